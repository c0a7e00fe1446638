#!/usr/bin/env node
// The echo benchmark of this backend: demi-echo over libfabric beside C on the kernel's loopback and beside libfabric alone, in one run,
// and what 1,000 connections have posted.
//
//   node bench/echo.mjs [options]         --help lists them
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildWithCMake,
  Child,
  circumstances,
  describe,
  freshSeed,
  goalLine,
  Progress,
  placeServerAndGenerator,
  readComparisonOptions,
  useRealtime,
  writeReport,
} from "@demikernel/bench";
import { application } from "./application.mjs";
import { compare } from "./comparison.mjs";
import { barePrograms, providerNames, whyNot } from "./providers.mjs";
import { BareFabric, DemiEcho } from "./sides.mjs";
import { judge, judgeMemory, memoryTable, plots, resultTable } from "./summary.mjs";

/** Uncounted before each measurement: until the seconds and, for a client in JavaScript, the requests are over. */
const WARMUP = { warmup: 0.05, warmupRequests: 20_000 };
/** Connections whose memory is looked at. */
const MANY = 1000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const options = readComparisonOptions(
  "Measures demi-echo over libfabric beside C on the kernel's loopback and beside libfabric alone, in interleaved rounds.",
  { option: "providers", what: "libfabric's providers", names: providerNames, usual: providerNames },
);
const { rounds, seconds, size, seed = freshSeed(), json, svg } = options;
if (options.realtime) useRealtime();
const { buildNative } = await application("bench", "build-native.js");
const { KernelLoopback } = await application("bench", "kernel-loopback.js");
const programs = buildNative();
const barePaths = buildWithCMake({
  sources: here("native"),
  build: here("../build/bench"),
  programs: barePrograms,
  install: "apt install cmake g++ pkg-config libfabric-dev",
});
const placement = placeServerAndGenerator();
const folder = mkdtempSync(join(tmpdir(), "demi-rdma-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const leftOut = [
  { name: "verbs", reason: "between two machines with RDMA devices only: soft-RoCE's times say nothing" },
];
const measured = [];
for (const name of options.kinds) {
  const reason = await whyNot(name);
  if (reason === undefined) measured.push(name);
  else leftOut.push({ name, reason });
}
const sides = [
  ...[true, false].map((busy) => new KernelLoopback(programs, busy, placement)),
  ...measured.map((name) => new BareFabric(name, barePaths, placement)),
  ...measured.map((name) => new DemiEcho(name, folder, placement)),
];

console.log(describe(circumstances()));
console.log(`${placement.note}; ${rounds} rounds of ${seconds} s, ${size} B, seed ${seed}`);
console.log(options.realtime ? "measured at real-time priority" : "measured at normal priority");
const progress = new Progress(rounds * sides.length * options.connections.length + measured.length);
const rows = [];
const memory = [];
try {
  for (const connections of options.connections) {
    const onMeasure = (name) => progress.step(`${name}, ${connections} connections`);
    rows.push(...(await compare(sides, { connections, size, seconds, ...WARMUP }, { rounds, seed, onMeasure })));
  }
  for (const side of sides) await side.stop();
  for (const name of measured) {
    progress.step(`memory of ${MANY} connections, ${name}`);
    const about = { name: "memory", command: process.execPath, args: [here("memory.mjs"), name, String(MANY)] };
    memory.push(JSON.parse(await new Child(about).output()));
  }
} finally {
  progress.done();
  for (const side of sides) await side.stop();
}

console.log(`\n${resultTable(rows)}\n`);
console.log(
  'Median [quartiles] over rounds; ratios are of the same round, below 1 is ahead. "Busy": both ends spin. "Bare": libfabric alone.',
);
console.log(`\n${memoryTable(memory)}\n`);
const goals = [...judge(rows), ...judgeMemory(memory)];
for (const goal of goals) console.log(goalLine(goal));
for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
const results = { options: { ...options, seed }, placement, leftOut, rows, memory, goals };
for (const path of writeReport({ name: "echo", results, plots: plots(rows, { size, rounds }), json, svg })) {
  console.log(`wrote ${path}`);
}
process.exit(0);
