/** demi-log stat and demi-log ls: what a device has, without reading its records. */
import { json, table } from "@demikernel/core/cli";
import type { Command } from "commander";
import type { Inspection, LogEntry } from "../addon.js";
import { deviceArgument } from "./arguments.js";
import { entryOf, inspect } from "./device.js";
import { counted, sizeText } from "./quantity.js";

interface Options {
  json?: true;
}

const HELP = `
Opening a device recovers it: what a crash cut off is gone afterwards, and the opening is counted (epoch). A device that is in use is EBUSY.
Positions count bytes, those around the records included. Only reading tells how many records there are: demi-log verify counts them.`;

export function registerLs(program: Command): void {
  program
    .command("ls")
    .description("list the logs of a device")
    .addArgument(deviceArgument())
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (device: string, options: Options) => {
      const { logs } = await inspect(device);
      console.log(options.json ? json(logs) : logTable(logs));
    });
}

export function registerStat(program: Command): void {
  program
    .command("stat")
    .description("tell what a device is, and what its logs, or one of them, take")
    .addArgument(deviceArgument())
    .argument("[log]", "this log only")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (device: string, log: string | undefined, options: Options) => {
      const found = await inspect(device);
      const logs = log === undefined ? found.logs : [entryOf(found, device, log)];
      console.log(options.json ? json({ device, ...found, logs }) : `${facts(device, found)}\n\n${logTable(logs)}`);
    });
}

function facts(device: string, found: Inspection): string {
  const { engine, identity, version, epoch, bytes, blockBytes, segmentBytes, segments, freeSegments } = found;
  return table(
    ["device", `${device} (${engine})`],
    [
      ["identity", identity],
      ["version", String(version)],
      ["epoch", String(epoch)],
      ["size", `${sizeText(bytes)}, blocks of ${blockBytes} bytes`],
      ["segments", `${segments} of ${sizeText(segmentBytes)}, ${freeSegments} free`],
      ["directory", `${found.logs.length} of ${counted(found.directorySlots, "slot")} used`],
      [
        "recovery",
        `${found.recoveredBatches} batches read by this opening, ${counted(found.damagedPlaces, "place")} damaged`,
      ],
    ],
  );
}

export function logTable(logs: readonly LogEntry[]): string {
  const rows = logs.map(({ name, start, end, segments }) => [
    String(start),
    String(end),
    sizeText(end - start),
    String(segments),
    name,
  ]);
  return table(["start", "end", "size", "segments", "log"], rows);
}
