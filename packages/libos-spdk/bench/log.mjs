#!/usr/bin/env node
// The benchmark of logs: durable appends and reading back beside C on io_uring on the same file system, in one run; with --open, opening a
// device full of records beside reading it with dd.
//
//   node bench/log.mjs [options]         --help lists them
import { tmpdir } from "node:os";
import {
  circumstances,
  describe,
  freshSeed,
  goalLine,
  placeServerAndGenerator,
  useRealtime,
  writeReport,
} from "@demikernel/bench";
import { Command, InvalidArgumentError } from "commander";
import { compareAppends } from "./appends.mjs";
import { scratchFolder, zeros } from "./files.mjs";
import { buildNativePrograms } from "./native-programs.mjs";
import { compareOpening } from "./opening.mjs";
import { compareReading } from "./reading.mjs";
import * as summary from "./summary.mjs";

/** Enough for what one measurement appends, on a disk that takes 500 MB a second. */
const APPENDS_MEBIBYTES = 1024;
const QUICK = { rounds: 3, seconds: 0.3, mebibytes: 32, records: 200_000 };

const given = new Command("log")
  .description("logs of libos-spdk on a file: durable appends and reading back beside C, paired in interleaved rounds")
  .option("--folder <path>", "where the files are: on the disk to be measured", tmpdir())
  .option("--sizes <list>", "bytes in a record, separated by commas", numbers(8, 1 << 20), [64, 1024, 4096])
  .option("--outstanding <list>", "appends under way, separated by commas", numbers(1, 1024), [1, 64])
  .option("--rounds <n>", "rounds of each comparison", wholeNumber(1, 1000), 7)
  .option("--seconds <s>", "counted seconds of appends per measurement", seconds, 1)
  .option("--mebibytes <n>", "of a log that is read back", wholeNumber(1, 900), 128)
  .option("--only <part>", "appends, reading or opening", oneOf("appends", "reading", "opening"))
  .option("--open", "opening a device of 1 GiB with 10 million records, too; takes minutes")
  .option("--records <n>", "with --open: records on the device", wholeNumber(1, 10_000_000), 10_000_000)
  .option("--realtime", "measured processes get real-time priority: for a machine with other work")
  .option("--quick", "3 short rounds on little: to see that it works, not to believe")
  .option("--seed <n>", "seed of the order within the rounds", wholeNumber(0, 0xffffffff))
  .option("--json <file>", "where the results go (default: bench-results/log.json)")
  .parse()
  .opts();
const options = { ...given, ...(given.quick ? QUICK : {}), seed: given.seed ?? freshSeed() };
if (options.realtime) useRealtime();
const programs = buildNativePrograms();
const placement = placeServerAndGenerator();
const folder = scratchFolder(options.folder);

console.log(describe(circumstances()));
console.log(`all on CPU ${placement.server}; ${options.rounds} rounds of ${options.seconds} s, seed ${options.seed}`);
console.log(`measured at ${options.realtime ? "real-time" : "normal"} priority, on files in ${options.folder}`);
const results = { appends: [], reading: [], opening: [] };
const wanted = (part) => options.only === undefined || options.only === part;
if (wanted("appends")) {
  const files = {
    libos: zeros(folder, "libos", APPENDS_MEBIBYTES),
    c: zeros(folder, "c", APPENDS_MEBIBYTES),
  };
  results.appends = await compareAppends(options, programs, files, placement);
  console.log(`\n${summary.appendsTable(results.appends)}`);
}
if (wanted("reading")) {
  // With their headers, and the segments', and blocks that are not full.
  const fileFor = (size) => zeros(folder, `read-${size}`, 2 * options.mebibytes + 8);
  results.reading = await compareReading(options, programs, fileFor, placement);
  console.log(`\n${summary.readingTable(results.reading)}`);
}
if (options.only === "opening" || (options.open && wanted("opening"))) {
  results.opening = await compareOpening(options, () => zeros(folder, "open", 1024), placement);
  console.log(`\n${summary.openingTable(results.opening)}`);
}
console.log("\nMedian [quartiles] over rounds; ratios are of the same round.\n");
const goals = [
  ...summary.judgeAppends(results.appends),
  ...summary.judgeReading(results.reading),
  ...summary.judgeOpening(results.opening),
];
for (const goal of goals) console.log(goalLine(goal));
const report = { options, placement, goals, ...results };
for (const path of writeReport({ name: "log", results: report, json: options.json })) console.log(`wrote ${path}`);
process.exit(0);

function wholeNumber(least, most) {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
  };
}

function numbers(least, most) {
  return (text) => text.split(",").map(wholeNumber(least, most));
}

function seconds(text) {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0.05 && value <= 60) return value;
  throw new InvalidArgumentError(`"${text}" is not a number of seconds from 0.05 to 60.`);
}

function oneOf(...names) {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`"${text}" is none of ${names.join(", ")}.`);
  };
}
