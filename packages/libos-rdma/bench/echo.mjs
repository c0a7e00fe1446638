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
  Child,
  compare,
  comparisonHead,
  comparisonTable,
  echoApplication,
  finishComparison,
  freshSeed,
  placeServerAndGenerator,
  readComparisonOptions,
  useRealtime,
} from "@demikernel/bench";
import { buildNativePrograms } from "./native-programs.mjs";
import { providerNames, whyNot } from "./providers.mjs";
import { BareFabric, DemiEcho } from "./sides.mjs";
import { judge, judgeMemory, memoryTable, plots } from "./summary.mjs";

/** Connections whose memory is looked at. */
const MANY = 1000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const given = readComparisonOptions(
  "Measures demi-echo over libfabric beside C on the kernel's loopback and beside libfabric alone, in interleaved rounds.",
  { option: "providers", what: "libfabric's providers", names: providerNames, usual: providerNames },
);
const options = { ...given, seed: given.seed ?? freshSeed() };
if (options.realtime) useRealtime();
const application = echoApplication(import.meta.url);
const { buildNative } = await application.module("bench", "build-native.js");
const { KernelLoopback } = await application.module("bench", "kernel-loopback.js");
const programs = buildNative();
const barePaths = buildNativePrograms();
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

console.log(comparisonHead(options, placement));
const rows = await compare({ sides: () => sides, ratios: toBare }, options);
const memory = [];
for (const name of measured) {
  const about = { name: "memory", command: process.execPath, args: [here("memory.mjs"), name, String(MANY)] };
  memory.push(JSON.parse(await new Child(about).output()));
}

console.log(`\n${comparisonTable(rows, { "/ bare": "p50ToBare" })}\n`);
console.log(
  'Median [quartiles] over rounds; ratios are of the same round, below 1 is ahead. "Busy": both ends spin. "Bare": libfabric alone.',
);
console.log(`\n${memoryTable(memory)}\n`);
const goals = [...judge(rows), ...judgeMemory(memory)];
finishComparison(options, { placement, leftOut, rows, memory, goals }, plots(rows, options));
process.exit(0);

/** Against libfabric alone over the same provider. */
function toBare(side, all, series) {
  const bare = all.find(({ kind, provider }) => kind === "bare" && provider === side.provider);
  if (side.kind !== "ours" || bare === undefined) return {};
  const pair = (key) => [series(side, key), series(bare, key)];
  return { p50ToBare: pair("p50"), cpuToBare: pair("cpuPerRequest") };
}
