/** demi-echo's client as a closed loop that is measured: connections that each have one message under way, counted for a time. */
import type { RecordableHistogram } from "node:perf_hooks";
import { setTimeout as passed } from "node:timers/promises";
import { processCpuNanoseconds } from "@demikernel/bench";
import type { Address, LibOS } from "@demikernel/core";
import { EchoClient } from "../echo-client.js";

export interface ClosedLoopLoad {
  to: Address;
  connections: number;
  /** Bytes in a message. */
  size: number;
  /** Counted seconds. */
  seconds: number;
  /**
   * Uncounted before them, until both these seconds and `warmupRequests` are over, or ten times the seconds: by time alone, a busy
   * machine would leave code uncompiled.
   */
  warmup: number;
  warmupRequests?: number;
  /** Process whose CPU time is read at both ends of the counted time. */
  server: number;
  /** Of the libOS's stats(): what is counted meanwhile. */
  counters?: readonly string[];
}

export interface ClosedLoopReport {
  requests: number;
  seconds: number;
  reqPerSec: number;
  serverCpuNs: number;
  mismatches: number;
  /** Round trips, nanoseconds. */
  latency: RecordableHistogram;
  /** Of each of `counters`. */
  perRequest: Record<string, number>;
}

/** Requests after which the client's code has been compiled. */
const WARMUP_REQUESTS = 20_000;
/** Milliseconds for each connection and echo. */
const PATIENCE = 10_000;
const LONGEST_WARMUP = 10;

/** Rejects when a connection fails, and when no message came back. The connections are closed afterwards, the libOS is not. */
export async function measureClosedLoop(os: LibOS, load: ClosedLoopLoad): Promise<ClosedLoopReport> {
  const { to, connections, size, seconds, warmup, warmupRequests = WARMUP_REQUESTS, server, counters = [] } = load;
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
  const enough = () => performance.now() - begun >= warmup * 1000 && client.completed >= warmupRequests;
  do await during(warmup * 100);
  while (!enough() && performance.now() - begun < warmup * LONGEST_WARMUP * 1000);

  const count = () => counters.map((name) => Number(os.stats()[name]));
  client.latency.reset();
  const before = count();
  const [completed, cpu, start] = [client.completed, processCpuNanoseconds(server), performance.now()];
  await during(seconds * 1000);
  // On a machine with other work a short time may be over before its first message is.
  while (client.completed === completed) await during(10);
  const elapsed = (performance.now() - start) / 1000;
  const serverCpuNs = processCpuNanoseconds(server) - cpu;
  const requests = client.completed - completed;
  const after = count();
  stopping = true;
  client.stop();
  await run;
  for (const qd of client.connections.keys()) os.close(qd);
  os.turn(() => undefined);

  return {
    requests,
    seconds: elapsed,
    reqPerSec: requests / elapsed,
    serverCpuNs,
    mismatches: client.mismatches,
    latency: client.latency.histogram,
    perRequest: Object.fromEntries(counters.map((name, i) => [name, (after[i] - before[i]) / requests])),
  };
}

/** Percentiles of round trips, microseconds. */
export function percentiles(latency: RecordableHistogram): { p50: number; p99: number; p999: number } {
  const us = (percent: number) => latency.percentile(percent) / 1000;
  return { p50: us(50), p99: us(99), p999: us(99.9) };
}
