/**
 * demi-echo's client as a load generator, for a server that only another libOS can reach. Started by load.ts with its task as JSON; prints
 * what native/echo_load.c prints.
 */
import type { RecordableHistogram } from "node:perf_hooks";
import { setTimeout as passed } from "node:timers/promises";
import type { HistogramBuckets } from "@demikernel/bench";
import { type Address, DemiError, type LibOS, openLibOS } from "@demikernel/core";
import { familyOf } from "../options.js";
import { measureClosedLoop, percentiles } from "./closed-loop.js";
import type { LoadReport } from "./load.js";

export interface LibOSLoad {
  libos: string;
  config: string;
  to: Address;
  connections: number;
  size: number;
  seconds: number;
  warmup: number;
  /** Process whose CPU time is read. */
  server: number;
}

/** Milliseconds until a device's link must be up. */
const PATIENCE = 10_000;
/** A histogram of node:perf_hooks tells nothing but percentiles: this many of them. */
const PARTS = 1000;

const task = JSON.parse(process.argv[2] as string) as LibOSLoad;
try {
  const os = await openLibOS({ libos: task.libos, config: task.config, loop: "poll" });
  await reach(os, task.to);
  const report = await measure(os, task);
  os.destroy();
  console.log(JSON.stringify(report));
  if (report.mismatches > 0) {
    console.error(`${report.mismatches} messages came back wrong`);
    process.exitCode = 3;
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

/** Resolves when the server accepts. The link of a device comes up some time after it was opened. */
async function reach(os: LibOS, to: Address): Promise<void> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const qd = os.socket("tcp", { family: familyOf(to.host) });
    try {
      await os.async.connect(qd, to);
      return;
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "ENETUNREACH" || performance.now() > end) throw error;
      await passed(5);
    } finally {
      os.close(qd);
    }
  }
}

async function measure(os: LibOS, task: LibOSLoad): Promise<LoadReport> {
  const { latency, perRequest: _, ...report } = await measureClosedLoop(os, task);
  const us = (nanoseconds: number) => nanoseconds / 1000;
  return {
    ...report,
    ...percentiles(latency),
    min: us(latency.min),
    avg: us(latency.mean),
    max: us(latency.max),
    buckets: parts(latency),
  };
}

/** The histogram in parts of equal count, each at its greatest value. */
function parts(latency: RecordableHistogram): HistogramBuckets {
  const buckets: HistogramBuckets = [];
  let before = 0;
  for (let part = 1; part <= PARTS; part++) {
    const upTo = Math.round((latency.count * part) / PARTS);
    if (upTo > before) buckets.push([latency.percentile((100 * part) / PARTS), upTo - before]);
    before = upTo;
  }
  return buckets;
}
