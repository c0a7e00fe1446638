/**
 * Loads the append-only file that is a log: the last base that is whole, then the commands that are behind its beginning. A record is there as a whole
 * or not at all, so at most the last command is torn: one whose further pieces were not there yet.
 */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { LoadError } from "../persistence/load-error.js";
import type { Server } from "../server/server.js";
import { CommandStream } from "./command-stream.js";
import { NUMBER_BYTES, Record } from "./log-record.js";
import type { LogPlace } from "./log-store.js";
import { Replayer } from "./replayer.js";

/** Where the base is that counts, as a first look at all records finds it. */
interface Found {
  number: number;
  /** Position of its first record. */
  from: number;
  baseBytes: number;
  commandBytes: number;
}

export interface LogLoaded extends LogPlace {
  commands: number;
  cut: string | undefined;
  /** Nothing is there. */
  isEmpty: boolean;
}

/** `loadBase` is given the bytes of an RDB file, piece by piece. Throws LoadError, or a DemiError. */
export async function loadLog(
  server: Server,
  name: string,
  loadBase: (pieces: AsyncIterable<Buffer>) => Promise<void>,
): Promise<LogLoaded> {
  const { os } = server;
  const log = os.open(name, "a+");
  try {
    const found = await lookThrough(os, log, name);
    const { baseBytes, commandBytes, from, number } = found;
    if (number === 0 && commandBytes !== 0)
      throw new LoadError(`the log ${name} has commands, but no base that is whole`);
    const loaded = {
      number,
      baseBytes,
      appendedBytes: commandBytes,
      commands: 0,
      cut: undefined,
      isEmpty: number === 0,
    };
    if (number === 0) return loaded;
    await loadBase(basePieces(os, log, from, number));
    return { ...loaded, ...(await runCommands(server, log, name, from)) };
  } finally {
    os.close(log);
  }
}

/** Records from the cursor on, a copy of each, and where it begins. */
async function* records(os: LibOS, log: QueueDescriptor): AsyncGenerator<{ position: number; record: Buffer }> {
  for (;;) {
    const position = os.lseek(log, 0, "cur");
    const sga = await os.async.pop(log);
    if (sga === 0) return;
    const record = os.sga.copy(sga);
    os.free(sga);
    yield { position, record };
  }
}

async function lookThrough(os: LibOS, log: QueueDescriptor, name: string): Promise<Found> {
  let begun: Found | undefined;
  let whole: Found = { number: 0, from: 0, baseBytes: 0, commandBytes: 0 };
  for await (const { position, record } of records(os, log)) {
    const kind = record[0];
    if (kind === Record.COMMANDS) {
      whole.commandBytes += record.length - 1;
      if (begun !== undefined) begun.commandBytes += record.length - 1;
      continue;
    }
    if (record.length < 1 + NUMBER_BYTES || ![Record.BEGIN, Record.BASE, Record.END].includes(kind as 0x42))
      throw new LoadError(`the log ${name}: the record at ${position} is none of an append-only file`);
    const number = record.readUInt32LE(1);
    if (kind === Record.BEGIN) begun = { number, from: position, baseBytes: 0, commandBytes: 0 };
    if (begun?.number !== number) continue;
    if (kind === Record.BASE) begun.baseBytes += record.length - 1 - NUMBER_BYTES;
    if (kind !== Record.END) continue;
    whole = begun;
    begun = undefined;
  }
  return whole;
}

async function* basePieces(os: LibOS, log: QueueDescriptor, from: number, number: number): AsyncGenerator<Buffer> {
  os.lseek(log, from);
  for await (const { record } of records(os, log)) {
    if (record[0] === Record.COMMANDS || record.readUInt32LE(1) !== number) continue;
    if (record[0] === Record.END) return;
    if (record[0] === Record.BASE) yield record.subarray(1 + NUMBER_BYTES);
  }
}

async function runCommands(
  server: Server,
  log: QueueDescriptor,
  name: string,
  from: number,
): Promise<{ commands: number; cut: string | undefined }> {
  const { os } = server;
  os.lseek(log, from);
  const replayer = new Replayer(server);
  const stream = new CommandStream(server, replayer, `the log ${name}`);
  for await (const { record } of records(os, log)) {
    // What was torn before a base was begun is not gone on with behind it.
    if (record[0] === Record.BEGIN) stream.reset();
    else if (record[0] === Record.COMMANDS) await stream.add(record.subarray(1));
  }
  const { torn } = stream;
  const cut = torn === 0 ? undefined : `the log ${name}: its last ${torn} bytes are no whole command, and are left out`;
  return { commands: stream.commands, cut };
}
