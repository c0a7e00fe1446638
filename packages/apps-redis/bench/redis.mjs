#!/usr/bin/env node
// The benchmark of demi-redis beside redis-server 7.0: speed on posix, memory and pauses, and backends without a kernel between the ends.
//
//   node bench/redis.mjs [options]         --help lists them
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { BACKEND_NAMES, compareBackends } from "./backends.mjs";
import { compareDurable } from "./durable.mjs";
import { compareMemory } from "./memory.mjs";
import { compareSaving } from "./saving.mjs";
import { lackingRedis } from "./servers.mjs";
import { compareSpeed, TEST_NAMES } from "./speed.mjs";
import * as summary from "./summary.mjs";

const PARTS = ["speed", "durable", "saving", "memory", "backends"];
const QUICK = { rounds: 2, requests: 2000, keyspace: 1000, keys: 20_000, collections: 1000 };

const program = new Command("redis")
  .description("demi-redis beside redis-server 7.0, paired in interleaved rounds")
  .option("--only <part>", `one of ${PARTS.join(", ")}`, oneOf(PARTS))
  .option("--tests <list>", `commands of speed, separated by commas: ${TEST_NAMES.join(", ")}`, listOf(TEST_NAMES))
  .option("--pipelines <list>", "speed: requests sent at once, separated by commas", numbers(1, 1000), [1, 16])
  .option("--backends <list>", `of ${BACKEND_NAMES.join(", ")}, separated by commas`, listOf(BACKEND_NAMES))
  .option("--rounds <n>", "rounds of each comparison (default: 7; memory and saving 3)", wholeNumber(1, 1000))
  .option("--requests <n>", "of a measurement without pipelining; others in proportion", wholeNumber(1000, 1e8), 50_000)
  .option(
    "--keyspace <n>",
    "speed and backends: keys and elements are chosen among so many",
    wholeNumber(1, 1e9),
    100_000,
  )
  .option(
    "--keys <n>",
    "memory and saving: keys at first; memory has up to 1.4 times as many later",
    wholeNumber(1000, 20_000_000),
    1_000_000,
  )
  .option("--collections <n>", "memory: small collections of each kind", wholeNumber(1000, 10_000_000), 500_000)
  .option("--realtime", "measured processes get real-time priority: for a machine with other work")
  .option("--quick", "2 rounds of little: to see that it works, not to believe")
  .option("--seed <n>", "seed of the order within the rounds", wholeNumber(0, 0xffffffff))
  .option("--json <file>", "where the results go (default: bench-results/redis.json)")
  .option("--svg <file>", "where the plot goes (default: bench-results/redis.svg)")
  .parse();
const options = { tests: TEST_NAMES, backends: BACKEND_NAMES, ...program.opts() };
for (const [name, value] of Object.entries(options.quick ? QUICK : {})) {
  if (program.getOptionValueSource(name) !== "cli") options[name] = value;
}
options.seed ??= freshSeed();
const rounds = { speed: 7, durable: 7, saving: 3, memory: 3, backends: 7 };
const of = (part) => ({ ...options, rounds: options.rounds ?? rounds[part] });

const lacking = lackingRedis();
if (lacking !== undefined) {
  console.error(`redis: ${lacking}`);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "demi-redis-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
if (options.realtime) useRealtime();
const placement = placeServerAndGenerator();
const wanted = (part) => options.only === undefined || options.only === part;

console.log(describe(circumstances()));
console.log(`${placement.note}, ${options.realtime ? "real-time" : "normal"} priority; seed ${options.seed}`);
const results = {};
const goals = [];
const plots = {};
if (wanted("speed")) {
  results.speed = await compareSpeed(of("speed"), placement, folder);
  console.log(`\n${summary.speedTable(results.speed)}`);
  goals.push(...summary.judgeSpeed(results.speed));
  plots[""] = summary.speedPlot(results.speed, of("speed"));
}
if (wanted("durable")) {
  results.durable = await compareDurable(of("durable"), placement, folder);
  const { rows, leftOut } = results.durable;
  console.log(`\n${summary.durableTable(rows)}`);
  for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  goals.push(...summary.judgeDurable(rows));
  plots.durable = summary.durablePlot(rows, of("durable"));
}
if (wanted("saving")) {
  results.saving = await compareSaving(of("saving"), placement, folder);
  console.log(`\n${summary.savingTable(results.saving)}`);
  goals.push(...summary.judgeSaving(results.saving));
}
if (wanted("memory")) {
  results.memory = await compareMemory(of("memory"), placement, folder);
  const { keys, pauses, small } = results.memory;
  for (const part of [summary.keysTable(keys), summary.pausesTable(pauses), summary.smallTable(small)]) {
    console.log(`\n${part}`);
  }
  goals.push(...summary.judgeMemory(results.memory));
  Object.assign(plots, summary.memoryPlots(results.memory, of("memory")));
}
if (wanted("backends")) {
  results.backends = await compareBackends(of("backends"), placement, folder);
  const { rows, leftOut } = results.backends;
  console.log(`\n${summary.backendsTable(rows)}`);
  for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  goals.push(...summary.judgeBackends(rows));
  if (rows.length !== 0) plots.backends = summary.backendsPlot(rows, of("backends"));
}
console.log("\nMedian [quartiles] over rounds; ratios are of the same round.\n");
for (const goal of goals) console.log(goalLine(goal));
const report = { name: "redis", results: { options, placement, goals, ...results }, plots };
for (const path of writeReport({ ...report, json: options.json, svg: options.svg })) console.log(`wrote ${path}`);
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

function oneOf(names) {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`"${text}" is none of ${names.join(", ")}.`);
  };
}

function listOf(names) {
  return (text) => text.split(",").map(oneOf(names));
}
