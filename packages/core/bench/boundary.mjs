#!/usr/bin/env node
/** What the boundary between JavaScript and C++ costs, per operation and in garbage, and whether that meets the goals. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  atLeast,
  atMost,
  Child,
  circumstances,
  describe,
  figure,
  freshSeed,
  goalLine,
  interleave,
  linePlot,
  Progress,
  quartiles,
  spread,
  table,
  writeReport,
} from "@demikernel/bench";
import { Command, InvalidArgumentError } from "commander";

const batches = [1, 4, 16, 64, 256];
const goals = { batchedNs: 40, batchedFrom: 16, singleNs: 150, collectionMs: 5, pauseMs: 2 };

const options = new Command("boundary")
  .description("price of a push and its pop over the JavaScript/C++ boundary, and of the garbage they leave")
  .option("--repetitions <n>", "interleaved repetitions", wholeNumber, 25)
  .option("--quick", "3 short repetitions and a short load: to see that it works, not to believe")
  .option("--seed <n>", "seed of the order within the repetitions", wholeNumber)
  .option("--json <file>", "where the results go (default: bench-results/boundary.json)")
  .option("--svg <file>", "where the plot goes (default: bench-results/boundary.svg)")
  .parse()
  .opts();
const { repetitions, milliseconds, seconds } = options.quick
  ? { repetitions: 3, milliseconds: 10, seconds: 0.5 }
  : { repetitions: options.repetitions, milliseconds: 50, seconds: 4 };
const seed = options.seed ?? freshSeed();

console.log(describe(circumstances()));
console.log(`${repetitions} interleaved repetitions of ${milliseconds} ms, seed ${seed}`);
const collection = await measureCollection();
const rows = await measurePairs();
const verdicts = judge(rows, collection);
print();

/** First, in a separate process; its speed is paced, so it does not matter what else it waits for. */
async function measureCollection() {
  const program = fileURLToPath(new URL("boundary/garbage.mjs", import.meta.url));
  const child = new Child({ name: "garbage", command: process.execPath, args: [program, String(seconds)] });
  return JSON.parse(await child.output());
}

/** Each way in a separate process (way.mjs says why), one at work at a time. */
async function measurePairs() {
  const kinds = batches.flatMap((batch) => [
    ["quiet", batch],
    ["complete", batch],
  ]);
  kinds.push(["calls", 1], ["promises", 1], ["promises", 64]);
  const ways = await Promise.all(kinds.map(([kind, batch]) => startWay(kind, batch)));
  const progress = new Progress(ways.length * repetitions);
  for (const way of ways) await way.ask(2 * milliseconds); // V8 compiles
  const candidates = ways.map((way) => ({ name: way.name, measure: () => way.ask(milliseconds) }));
  const onMeasure = (name) => progress.step(name);
  const { samples } = await interleave(candidates, { rounds: repetitions, seed, onMeasure });
  progress.done();
  for (const way of ways) {
    const leftOver = await way.ask("end");
    if (leftOver !== 0) throw new Error(`${way.name}: ${leftOver} operations, queues and slots left over`);
  }
  return ways.map(({ name, row }) => {
    const nanoseconds = samples.get(name);
    return { ...row, nanoseconds: { ...quartiles(nanoseconds), samples: nanoseconds } };
  });
}

/** It ends by itself when this process does: its channel is then closed. */
async function startWay(kind, batch) {
  const child = fork(fileURLToPath(new URL("boundary/way.mjs", import.meta.url)), [kind, String(batch)]);
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`${kind}, batch ${batch}: the process ended (${signal ?? `status ${code}`})`);
  });
  ended.catch(() => {});
  const answer = () => Promise.race([once(child, "message").then(([message]) => message), ended]);
  const { name, row } = await answer();
  const ask = (question) => {
    const answered = answer();
    child.send(question);
    return answered;
  };
  return { name, row, ask };
}

/**
 * Goals in nanoseconds are judged by the best repetition: whoever runs on the other hardware thread of the core doubles all of them,
 * for seconds at a time. The table has the quartiles.
 */
function judge(measured, { total, longest, pairsPerSecond }) {
  const loop = measured.filter(({ way }) => way === "run loop");
  const bestAt = (batch) => best(loop.find((row) => row.batch === batch));
  return [
    atMost("run loop, batch 1, per pair, best repetition", bestAt(1), goals.singleNs, "ns"),
    ...batches
      .filter((batch) => batch >= goals.batchedFrom)
      .map((batch) =>
        atMost(`run loop, batch ${batch}, per pair, best repetition`, bestAt(batch), goals.batchedNs, "ns"),
      ),
    atMost(`garbage collection in ${seconds} s at 1 M pairs/s`, total, goals.collectionMs, "ms"),
    atMost("longest pause of it", longest, goals.pauseMs, "ms"),
    atLeast("load kept up meanwhile", pairsPerSecond / 1e6, 0.98, "M pairs/s"),
  ];
}

function best({ nanoseconds }) {
  return Math.min(...nanoseconds.samples);
}

function print() {
  const body = rows.map((row) => [row.way, String(row.batch), spread(row.nanoseconds), figure(best(row))]);
  console.log(`\n${table(["way", "batch", "CPU ns per push+pop", "best"], body)}\n`);
  const { count, scavenges, total, longest, pairsPerSecond } = collection;
  console.log(
    `${seconds} s at ${figure(pairsPerSecond / 1e6)} M pairs/s: ${count} collections (${scavenges} scavenges), ` +
      `${figure(total)} ms in all, longest ${figure(longest)} ms`,
  );
  for (const verdict of verdicts) console.log(goalLine(verdict));
  const plot = linePlot(series(), {
    title: "A push and its pop over the JavaScript/C++ boundary",
    subtitle: `in-memory queue, 64 B; median and quartiles of ${repetitions} interleaved repetitions`,
    x: "pairs per native poll",
    y: "CPU ns per pair",
    yScale: "log",
    threshold: { y: goals.batchedNs, name: `goal from batch ${goals.batchedFrom}` },
  });
  const results = { repetitions, seed, rows, collection, goals: verdicts };
  const { json, svg } = options;
  for (const path of writeReport({ name: "boundary", results, plots: { "": plot }, json, svg }))
    console.log(`wrote ${path}`);
}

function series() {
  return [...new Set(rows.map(({ way }) => way))].map((name) => ({
    name,
    points: rows
      .filter(({ way }) => way === name)
      .map(({ batch, nanoseconds: { median, q1, q3 } }) => ({ x: batch, y: median, low: q1, high: q3 })),
  }));
}

function wholeNumber(text) {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffffffff) {
    throw new InvalidArgumentError("It is a whole number below 2^32.");
  }
  return Number(text);
}
