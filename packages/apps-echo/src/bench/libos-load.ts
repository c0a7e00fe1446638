/**
 * demi-echo's client as a load generator, for a server that only another libOS can reach. Started by load.ts with its task as JSON; prints
 * what native/echo_load.c prints.
 */
import { setTimeout as passed } from "node:timers/promises";
import { type Address, DemiError, type LibOS, openLibOS } from "@demikernel/core";
import { type HistogramBuckets, processCpuNanoseconds } from "@demikernel/core/bench";
import { EchoClient } from "../echo-client.js";
import { familyOf } from "../options.js";
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

/** Requests after which the client's code has been compiled. The warm-up is longer for them, at most ten times. */
const WARMUP_REQUESTS = 20_000;
/** Milliseconds until a device's link must be up, and for each connection and echo. */
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

async function measure(os: LibOS, { to, connections, size, seconds, warmup, server }: LibOSLoad): Promise<LoadReport> {
  const client = new EchoClient(os, {
    to,
    kind: "tcp",
    framing: "stream",
    size,
    iterations: Number.MAX_SAFE_INTEGER,
    clients: connections,
    timeout: PATIENCE,
  });
  let stopping = false;
  const run = client.run().then(() => {
    if (!stopping) throw client.failure ?? new Error(`wrong bytes came back: ${client.firstMismatch}`);
  });
  const during = (milliseconds: number) => Promise.race([passed(milliseconds), run]);

  const connected = () => [...client.connections.values()].filter((connection) => connection.connected).length;
  while (connected() < connections) await during(1);
  const begun = performance.now();
  const enough = () => performance.now() - begun >= warmup * 1000 && client.completed >= WARMUP_REQUESTS;
  do await during(warmup * 100);
  while (!enough() && performance.now() - begun < warmup * 10_000);

  client.latency.reset();
  const [completed, cpu, start] = [client.completed, processCpuNanoseconds(server), performance.now()];
  await during(seconds * 1000);
  // On a machine with other work a short time may be over before its first message is.
  while (client.completed === completed) await during(10);
  const elapsed = (performance.now() - start) / 1000;
  const serverCpuNs = processCpuNanoseconds(server) - cpu;
  const requests = client.completed - completed;
  stopping = true;
  client.stop();
  await run;
  for (const qd of client.connections.keys()) os.close(qd);
  os.drain(() => undefined);

  const { latency } = client;
  const us = (nanoseconds: number) => nanoseconds / 1000;
  return {
    requests,
    seconds: elapsed,
    reqPerSec: requests / elapsed,
    min: us(latency.min),
    avg: us(latency.mean),
    p50: us(latency.percentile(50)),
    p99: us(latency.percentile(99)),
    p999: us(latency.percentile(99.9)),
    max: us(latency.max),
    serverCpuNs,
    mismatches: client.mismatches,
    buckets: parts(latency),
  };
}

/** The histogram in parts of equal count, each at its greatest value. */
function parts(latency: EchoClient["latency"]): HistogramBuckets {
  const buckets: HistogramBuckets = [];
  let before = 0;
  for (let part = 1; part <= PARTS; part++) {
    const upTo = Math.round((latency.count * part) / PARTS);
    if (upTo > before) buckets.push([latency.percentile((100 * part) / PARTS), upTo - before]);
    before = upTo;
  }
  return buckets;
}
