#!/usr/bin/env node
// The same applications over node:net and over @demikernel/net: CPU, throughput, latency.
//
//   node bench/net.mjs [options]         --help lists them
import { spawnSync } from "node:child_process";
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
import { compareBackends } from "./backends.mjs";
import { comparePosix } from "./posix.mjs";
import * as summary from "./summary.mjs";
import { MEBIBYTE, WORKLOADS } from "./workloads.mjs";

const PARTS = ["posix", "backends"];
const program = new Command("net")
  .description("applications over node:net and over @demikernel/net, paired in interleaved rounds")
  .option("--only <part>", `one of ${PARTS.join(", ")}`, oneOf(PARTS))
  .option(
    "--workloads <list>",
    `separated by semicolons, of: ${Object.keys(WORKLOADS).join("; ")}`,
    listOf(Object.keys(WORKLOADS)),
  )
  .option("--rounds <n>", "rounds of each comparison", wholeNumber(1, 1000), 7)
  .option("--seconds <n>", "of a measurement", wholeNumber(1, 3600), 2)
  .option("--mebibytes <n>", "of a stream", wholeNumber(1, 1 << 20), 1024)
  .option("--realtime", "measured processes get real-time priority: for a machine with other work")
  .option("--quick", "1 round of little: to see that it works, not to believe")
  .option("--seed <n>", "seed of the order within the rounds", wholeNumber(0, 0xffffffff))
  .option("--json <file>", "where the results go (default: bench-results/net.json)")
  .option("--svg <file>", "where the plot goes (default: bench-results/net.svg)")
  .parse();
const options = { workloads: Object.keys(WORKLOADS), ...program.opts() };
if (options.quick) Object.assign(options, { rounds: 1, seconds: 1, mebibytes: 64 });
options.seed ??= freshSeed();
options.bytes = options.mebibytes * MEBIBYTE;
if (spawnSync("wrk", ["--version"]).error !== undefined) {
  console.error("net: there is no wrk: apt install wrk");
  process.exit(1);
}
if (options.realtime) useRealtime();
const placement = placeServerAndGenerator();
const wanted = (part) => options.only === undefined || options.only === part;

console.log(describe(circumstances()));
console.log(`${placement.note}, ${options.realtime ? "real-time" : "normal"} priority; seed ${options.seed}`);
const results = {};
const goals = [];
const plots = {};
if (wanted("posix")) {
  const { rows, leftOut } = await comparePosix(options, placement);
  results.posix = rows;
  console.log(`\n${summary.posixTable(rows)}`);
  for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  goals.push(...summary.judgePosix(rows));
  plots[""] = summary.posixPlot(rows, options);
}
if (wanted("backends")) {
  const { rows, leftOut } = await compareBackends(options, placement);
  results.backends = rows;
  console.log(`\n${summary.backendsTable(rows)}`);
  for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  goals.push(...summary.judgeBackends(rows));
}
console.log("\nMedian [quartiles] over rounds; ratios are of the same round.\n");
for (const goal of goals) console.log(goalLine(goal));
const report = { name: "net", results: { options, placement, goals, ...results }, plots };
for (const path of writeReport({ ...report, json: options.json, svg: options.svg })) console.log(`wrote ${path}`);
process.exit(0);

function wholeNumber(least, most) {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
  };
}

function oneOf(names) {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`"${text}" is none of ${names.join("; ")}.`);
  };
}

function listOf(names) {
  return (text) => text.split(";").map((name) => oneOf(names)(name.trim()));
}
