/** demi-log bench */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { json, table } from "@demikernel/core/cli";
import type { Command } from "commander";
import { limits } from "../limits.js";
import { deviceArgument, numberList, parseSeconds } from "./arguments.js";
import { inspect, withLibOS } from "./device.js";
import { Exit } from "./failure.js";
import { interruption } from "./interruption.js";
import { type Load, type Measured, measure } from "./load.js";
import { Progress } from "./progress.js";

/** Of its own, so that it never appends to anybody's. */
const LOG = "demi-log.bench";
/** The largest slot of the default arena. */
const LARGEST = 1 << 20;
/** As many pushes as may be pending on one queue. */
const MOST_OUTSTANDING = limits()["pushes pending on one queue"] as number;

interface Options {
  size: number[];
  outstanding: number[];
  seconds: number;
  json?: true;
}

const HELP = `
It appends to the log "${LOG}", which it makes, and empties afterwards: the name stays in the directory. What other logs hold is not touched, but
it may take all the free space meanwhile.

append/s, p50 and p99 (microseconds from the push to its completion, when the record is durable), CPU (microseconds of all threads of this
process per append), then read/s: records read back. "full": the device was full before the time was over.

Exit codes: 0 done, 1 failed, 130 interrupted`;

export function registerBench(program: Command): void {
  program
    .command("bench")
    .description("measure durable appends through the libOS, and reading them back")
    .addArgument(deviceArgument())
    .option(
      "--size <list>",
      "bytes of a record, separated by commas",
      numberList("A size", 1, LARGEST),
      [64, 1024, 4096],
    )
    .option(
      "--outstanding <list>",
      "appends under way, separated by commas",
      numberList("A number of appends", 1, MOST_OUTSTANDING),
      [1, 64],
    )
    .option("--seconds <s>", "seconds of each", parseSeconds, 2)
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(
  device: string,
  { size: sizes, outstanding: depths, seconds, json: asJson }: Options,
): Promise<void> {
  await inspect(device);
  const loads = sizes.flatMap((size) => depths.map((outstanding): Load => ({ size, outstanding, seconds })));
  const { signal, off } = interruption();
  const measured: Measured[] = [];
  let engine = "";
  try {
    await withLibOS(device, async (os) => {
      engine = os.engine;
      await all(os, loads, measured, signal);
    });
  } finally {
    off();
  }
  console.log(asJson ? json({ device, engine, interrupted: signal.aborted, measured }) : textOf(measured));
  if (signal.aborted) process.exitCode = Exit.INTERRUPTED;
}

/** One after the other; each begins with an empty log. */
async function all(os: LibOS, loads: readonly Load[], measured: Measured[], signal: AbortSignal): Promise<void> {
  const progress = new Progress();
  const log = os.open(LOG, "a+");
  try {
    for (const load of loads) {
      if (signal.aborted) return;
      empty(os, log);
      const label = `${measured.length + 1}/${loads.length}  ${load.size} bytes, ${load.outstanding} under way`;
      measured.push(await progress.during(label, measure(os, log, load, signal)));
    }
  } finally {
    // Of a libOS in which something has failed a push may still be under way: then the next run empties it.
    if (os.stats().outstanding === 0) empty(os, log);
  }
}

function empty(os: LibOS, log: QueueDescriptor): void {
  os.truncate(log, os.lseek(log, 0, "end"));
}

function textOf(measured: readonly Measured[]): string {
  const rows = measured.map((one) => [
    String(one.size),
    String(one.outstanding),
    String(one.appendsPerSecond),
    one.p50.toFixed(1),
    one.p99.toFixed(1),
    one.cpuPerAppend.toFixed(1),
    String(one.recordsReadPerSecond),
    one.full ? "full" : "",
  ]);
  return table(["size", "outstanding", "append/s", "p50 us", "p99 us", "CPU us", "read/s", ""], rows);
}
