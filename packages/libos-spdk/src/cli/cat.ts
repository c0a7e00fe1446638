/** demi-log cat */
import { once } from "node:events";
import { DemiError, type LibOS } from "@demikernel/core";
import type { Command } from "commander";
import { deviceArgument, wholeCount } from "./arguments.js";
import { cursor, entryOf, inspect, withLibOS } from "./device.js";
import { Failure, Interrupted } from "./failure.js";
import { interruption } from "./interruption.js";

interface Options {
  from?: number;
  count?: number;
  positions?: true;
  json?: true;
}

const HELP = `
Without --json and --positions the records' bytes, with nothing between them. A position is one for --from, and for os.lseek(): the first record
at it or behind it comes next. Damage ends it with exit code 1, behind the records before; demi-log verify tells where reading can go on.`;

export function registerCat(program: Command): void {
  program
    .command("cat")
    .description("print the records of a log")
    .addArgument(deviceArgument().argRequired())
    .argument("<log>", "name of the log")
    .option("--from <position>", "begin with the first record at this position or behind it", wholeCount("A position"))
    .option("--count <n>", "most records to print", wholeCount("A count"))
    .option("--positions", "a line a record, its position and its bytes' number, in place of the bytes")
    .option("--json", "a line of JSON a record: position, bytes, and data in base64 (not with --positions)")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(device: string, name: string, options: Options): Promise<void> {
  const { end } = entryOf(await inspect(device), device, name);
  const { from = 0, count = Number.POSITIVE_INFINITY } = options;
  if (from > end) throw new Failure(`EINVAL: "${name}" ends at position ${end}, --from asks for ${from}`);
  const { signal, off } = interruption();
  try {
    await withLibOS(device, (os) => print(os, name, { ...options, from, count }, signal));
  } finally {
    off();
  }
}

type Wanted = Options & { from: number; count: number };

async function print(os: LibOS, name: string, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const log = os.open(name, "r");
  os.lseek(log, wanted.from);
  for (let n = 0; n < wanted.count; n++) {
    const position = cursor(os, log);
    const sga = await os.async.pop(log, { signal }).catch((error) => {
      throw signal.aborted ? new Interrupted() : damaged(error, name, cursor(os, log));
    });
    if (sga === 0) return;
    const text = line(os.sga.copy(sga), position, wanted);
    os.free(sga);
    // Whoever reads it is waited for.
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  }
}

function line(data: Buffer, position: number, { positions, json }: Options): Buffer | string {
  const bytes = data.length;
  if (json)
    return `${JSON.stringify(positions ? { position, bytes } : { position, bytes, data: data.toString("base64") })}\n`;
  return positions ? `${position} ${bytes}\n` : data;
}

function damaged(error: unknown, name: string, position: number): unknown {
  if (!(error instanceof DemiError) || (error.code !== "EBADMSG" && error.code !== "EIO")) return error;
  const what = error.code === "EIO" ? "cannot be read" : "is damaged";
  return new Failure(`${error.code}: the record at position ${position} of "${name}" ${what}`);
}
