/** Where memory ends: what maxmemory says, and what the heap has. Who would need more is refused, after what may go has gone. */
import type { Command } from "../commands/command.js";
import { keysOf } from "../commands/keys-of.js";
import { Intset } from "../encodings/intset.js";
import { Listpack } from "../encodings/listpack.js";
import type { Db } from "../keyspace/db.js";
import { Eviction } from "../keyspace/eviction.js";
import { Encoding, isBlob, Type } from "../keyspace/types.js";
import { HeapFull, type Ref } from "../memory/heap.js";
import type { Args } from "../protocol/args.js";
import { ScriptFlag } from "../scripting/flags.js";
import type { Client } from "./client.js";
import type { Server } from "./server.js";

export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
/** Of an argument that becomes an element, beside its bytes: about. */
const ELEMENT_BYTES = 96;
/** Milliseconds after which a machine without memory is asked again. */
const ASKED_AGAIN = 1000;

/** Whether that is what an error tells: no room in the heap, or no memory for a Buffer. */
export function isShortage(error: unknown): boolean {
  return error instanceof HeapFull || (error instanceof RangeError && /^Array buffer allocation/.test(error.message));
}

export class Memory {
  /** A command is asked about only then: {@link refusal}. */
  isLimited = false;
  /** The command that was asked about last found no memory. */
  wasOut = false;
  private isEvicting = false;
  private askedAt = 0;

  constructor(private readonly server: Server) {
    const { config, cron, keyspace } = server;
    const { heap } = keyspace;
    const judge = (): void => {
      this.isLimited = config.maxmemory !== 0 || heap.isLow;
    };
    judge();
    heap.onLow = judge;
    config.onChange("maxmemory", () => {
      judge();
      // Not within the command, which may be a part of a transaction.
      if (config.maxmemory !== 0) this.evictLater();
      return undefined;
    });
    cron.tasks.push(() => {
      if (server.clock() - this.askedAt < ASKED_AGAIN) return;
      this.askedAt = server.clock();
      heap.tend();
    });
  }

  /** Evicts keys if memory is beyond its limit; where that does not help, why what may need more memory may not run. */
  refusal(client: Client, command: Command, args: Args): string | undefined {
    const { evictor, keyspace, tracker } = this.server;
    const denies = this.denies(client, command, args);
    const bytes = keyspace.heap.isLow && denies ? bytesOf(args) : 0;
    const result = evictor.run(bytes);
    // What went before the command is told before its reply.
    if (tracker.hasPending) tracker.sendPending(client);
    this.server.propagation.flush();
    if (result === Eviction.RUNNING) this.evictLater();
    this.wasOut = result === Eviction.FAILED;
    if (!denies) return undefined;
    return result === Eviction.FAILED || keyspace.heap.lacks(bytes) ? OUT_OF_MEMORY : undefined;
  }

  private denies(client: Client, command: Command, args: Args): boolean {
    if (command.runsScript) {
      const flags = this.server.scripting.flagsOf(command, args);
      return flags !== undefined && (flags & (ScriptFlag.ALLOW_OOM | ScriptFlag.NO_WRITES)) === 0;
    }
    return command.deniesOutOfMemory || (command.name === "exec" && deniesQueued(client));
  }

  /** Of a command of a transaction, which maxmemory let begin: the heap may have come to its end since. */
  refusalWithin(command: Command, args: Args): string | undefined {
    const { heap } = this.server.keyspace;
    return heap.isLow && command.deniesOutOfMemory && heap.lacks(bytesOf(args)) ? OUT_OF_MEMORY : undefined;
  }

  /** There was no memory within a command: nobody knows what of it has happened. No key stays without a value; who watches or tracks one is told. */
  afterShortage(client: Client, command: Command, args: Args): void {
    const db = this.server.keyspace.dbs[client.db];
    if (!command.isWrite) return;
    for (const { index } of keysOf(command, args) ?? []) {
      const [bytes, at, length] = [args.bytes, args.at(index), args.length(index)];
      const ref = db.find(bytes, at, length);
      if (ref !== 0 && isEmpty(db, ref)) db.delete(ref);
      db.changed(bytes, at, length);
    }
  }

  /** Goes on evicting between commands. */
  private evictLater(): void {
    if (this.isEvicting) return;
    this.isEvicting = true;
    setImmediate(() => {
      this.isEvicting = false;
      const { evictor, os } = this.server;
      if (os.closed) return;
      if (evictor.run() === Eviction.RUNNING) this.evictLater();
      this.server.propagation.flush();
    });
  }
}

const deniesQueued = ({ transaction }: Client): boolean =>
  transaction?.queued.some(({ command }) => command.deniesOutOfMemory) ?? false;

/** Of what has elements, and is no key's without any. */
function isEmpty(db: Db, ref: Ref): boolean {
  const type = db.typeOf(ref);
  if (type === Type.STRING || type === Type.STREAM) return false;
  const encoding = db.encodingOf(ref);
  if (encoding === Encoding.INTSET) return new Intset().open(db.heap, db.blob(ref)).length === 0;
  if (isBlob(encoding)) return new Listpack().open(db.heap, db.blob(ref)).length === 0;
  return db.object(ref).size === 0;
}

/** What a command may add at most, if it adds what it says: a record or a listpack of it may be moved, and is there twice. */
function bytesOf(args: Args): number {
  let bytes = args.count * ELEMENT_BYTES;
  for (let i = 0; i < args.count; i++) bytes += 2 * args.length(i);
  return bytes;
}
