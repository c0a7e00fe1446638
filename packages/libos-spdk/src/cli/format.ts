/** demi-log format */
import { json } from "@demikernel/core/cli";
import type { Command } from "commander";
import { limits } from "../limits.js";
import { deviceArgument, wholeNumber } from "./arguments.js";
import { format } from "./device.js";
import { counted, sizeText } from "./quantity.js";

const MOST_LOGS = limits()["logs on a device"] as number;

interface Options {
  logs: number;
  force?: boolean;
  json?: true;
}

export function registerFormat(program: Command): void {
  program
    .command("format")
    .description("make a device one of logs, without any; a file that is not there is made")
    .addArgument(deviceArgument())
    .option("--logs <n>", "logs that it can have", wholeNumber("Logs", 1, MOST_LOGS), MOST_LOGS)
    .option("--force", "also a device that holds something: all of it is lost")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nA file gets the size that its name says, as in file:app.log,size=64MiB; 1 GiB without one.",
    )
    .action(run);
}

async function run(device: string, { logs, force = false, json: asJson }: Options): Promise<void> {
  const made = await format(device, logs, force);
  const { bytes, segments, segmentBytes, directorySlots, identity } = made;
  console.log(
    asJson
      ? json({ device, ...made })
      : `${device}: ${sizeText(bytes)} for ${counted(directorySlots, "log")}, ${segments} segments of ${sizeText(segmentBytes)}, identity ${identity}`,
  );
}
