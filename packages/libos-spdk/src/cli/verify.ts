/** demi-log verify */
import { json, printable, table } from "@demikernel/core/cli";
import type { Command } from "commander";
import { deviceArgument } from "./arguments.js";
import { entryOf, inspect, withLibOS } from "./device.js";
import { Exit, Interrupted } from "./failure.js";
import { interruption } from "./interruption.js";
import { Progress } from "./progress.js";
import { counted, sizeText } from "./quantity.js";
import { type Reading, readAll } from "./reading.js";

const HELP = `
Every record is read and its checksum compared. Of damage it prints the position, the error that a pop there ends with (EBADMSG: it reads back
wrong, EIO: it cannot be read), and the position at which reading goes on.

Exit codes: 0 all of it is right, 1 something is damaged, 130 interrupted`;

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("read every record of a device, or of one log, and tell what is damaged")
    .addArgument(deviceArgument())
    .argument("[log]", "this log only")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(device: string, log: string | undefined, options: { json?: true }): Promise<void> {
  const found = await inspect(device);
  const logs = log === undefined ? found.logs : [entryOf(found, device, log)];
  const total = logs.reduce((sum, { start, end }) => sum + end - start, 0);
  const progress = new Progress();
  const { signal, off } = interruption();
  const readings: Reading[] = [];
  try {
    await withLibOS(device, async (os) => {
      let before = 0;
      for (const { name, start, end } of logs) {
        const report = (position: number) =>
          progress.say(() => `${Math.floor((100 * (before + position - start)) / total)}%  ${name}`);
        const reading = await readAll(os, name, found.blockBytes, signal, report);
        if (signal.aborted) throw new Interrupted();
        readings.push(reading);
        before += end - start;
      }
    });
  } finally {
    progress.done();
    off();
  }
  const isDamaged = readings.some(({ damaged }) => damaged.length > 0);
  console.log(options.json ? json({ device, logs: readings }) : textOf(readings));
  process.exitCode = isDamaged ? Exit.FAILED : Exit.OK;
}

function textOf(readings: readonly Reading[]): string {
  const rows = readings.map(({ log, records, bytes, damaged }) => [
    String(records),
    sizeText(bytes),
    damaged.length === 0 ? "no" : counted(damaged.length, "place"),
    log,
  ]);
  const damage = readings.flatMap(({ log, damaged }) =>
    damaged.map(
      ({ from, to, error }) => `${printable(log)}: ${error} at position ${from}; reading goes on at position ${to}`,
    ),
  );
  return [table(["records", "bytes", "damaged", "log"], rows), ...damage].join("\n");
}
