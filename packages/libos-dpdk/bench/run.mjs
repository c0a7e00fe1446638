// The benchmark itself, in the namespace that echo.mjs made for it, or in the machine's where none can be made.
import {
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
import { DPDK_END, makeWire } from "../test/bed/wire.mjs";
import { buildNativePrograms } from "./native-programs.mjs";
import { BarePort, OverPair, StackOverPair, ToKernel } from "./sides.mjs";
import { judge, plots } from "./summary.mjs";
import { pairNames } from "./wires.mjs";

const about = "Measures demi-echo over DPDK beside C on the kernel's loopback, in interleaved rounds.";
const pairs = { option: "pairs", what: "pairs of devices", names: pairNames, usual: ["virtio"] };
const given = readComparisonOptions(about, pairs);
const options = { ...given, seed: given.seed ?? freshSeed() };
const folder = process.env.DEMI_BENCH_FOLDER;
const leftOut = [];
if (options.realtime) useRealtime();
const application = echoApplication(import.meta.url);
const { buildNative } = await application.module("bench", "build-native.js");
const { KernelLoopback } = await application.module("bench", "kernel-loopback.js");
const programs = buildNative();
const own = buildNativePrograms();
const placement = placeServerAndGenerator();

const sides = [
  ...[true, false].map((busy) => new KernelLoopback(programs, busy, placement)),
  ...options.kinds.map((pair) => new StackOverPair(pair, own.stack, folder, placement)),
  ...options.kinds.map((pair) => new OverPair(pair, folder, placement)),
];
const barePorts = options.kinds.map((pair) => new BarePort(pair, own.frames, folder, placement));
if (process.env.DEMI_BENCH_LACKS === "") {
  makeWire();
  sides.push(new ToKernel("af_packet", DPDK_END, folder, programs, placement));
} else {
  leftOut.push({ name: "af_packet", reason: process.env.DEMI_BENCH_LACKS });
}

console.log(comparisonHead(options, placement));
/** One frame at a time is like one connection. */
const measured = (connections) => (connections === 1 ? [...barePorts, ...sides] : sides);
const rows = await compare({ sides: measured }, options);

console.log(`\n${comparisonTable(rows)}\n`);
console.log(
  'Median [quartiles] over rounds; ratios are of the same round, below 1 is ahead of the kernel. "Busy": both ends spin.',
);
const goals = judge(rows);
finishComparison(options, { placement, leftOut, rows, goals }, plots(rows, options));
process.exit(0);
