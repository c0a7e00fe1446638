// The benchmark itself, in the namespace that echo.mjs made for it, or in the machine's where none can be made.
import {
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
import { DPDK_END, makeWire } from "../test/bed/wire.mjs";
import { application } from "./application.mjs";
import { compare } from "./comparison.mjs";
import { buildNativePrograms } from "./native-programs.mjs";
import { BarePort, OverPair, StackOverPair, ToKernel } from "./sides.mjs";
import { judge, plots, resultTable } from "./summary.mjs";
import { pairNames } from "./wires.mjs";

/** Uncounted before each measurement: until the seconds and, for a client in JavaScript, the requests are over. */
const WARMUP = { warmup: 0.05, warmupRequests: 20_000 };

const about = "Measures demi-echo over DPDK beside C on the kernel's loopback, in interleaved rounds.";
const pairs = { option: "pairs", what: "pairs of devices", names: pairNames, usual: ["virtio"] };
const options = readComparisonOptions(about, pairs);
const { rounds, seconds, size, seed = freshSeed(), json, svg } = options;
const folder = process.env.DEMI_BENCH_FOLDER;
const leftOut = [];
if (options.realtime) useRealtime();
const { buildNative } = await application("bench", "build-native.js");
const { KernelLoopback } = await application("bench", "kernel-loopback.js");
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

console.log(describe(circumstances()));
console.log(`${placement.note}; ${rounds} rounds of ${seconds} s, ${size} B, seed ${seed}`);
console.log(options.realtime ? "measured at real-time priority" : "measured at normal priority");
/** One frame at a time is like one connection. */
const measured = (connections) => (connections === 1 ? [...barePorts, ...sides] : sides);
const steps = options.connections.map((connections) => measured(connections).length).reduce((a, b) => a + b, 0);
const progress = new Progress(rounds * steps);
const rows = [];
try {
  for (const connections of options.connections) {
    const onMeasure = (name) => progress.step(`${name}, ${connections} connections`);
    rows.push(
      ...(await compare(measured(connections), { connections, size, seconds, ...WARMUP }, { rounds, seed, onMeasure })),
    );
  }
} finally {
  progress.done();
  for (const side of sides) await side.stop();
}

console.log(`\n${resultTable(rows)}\n`);
console.log(
  'Median [quartiles] over rounds; ratios are of the same round, below 1 is ahead of the kernel. "Busy": both ends spin.',
);
const goals = judge(rows);
for (const goal of goals) console.log(goalLine(goal));
for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
const results = { options: { ...options, seed }, placement, leftOut, rows, goals };
for (const path of writeReport({ name: "echo", results, plots: plots(rows, { size, rounds }), json, svg })) {
  console.log(`wrote ${path}`);
}
process.exit(0);
