/** One run of the load generator against one server. */
import { Child, type HistogramBuckets } from "@demikernel/core/bench";
import type { RunningServer } from "./servers.js";

export interface Load {
  program: string;
  /** CPU to stay on. */
  cpu: number | undefined;
  connections: number;
  /** Bytes in a message. */
  size: number;
  /** Counted, and before that uncounted, seconds. */
  seconds: number;
  warmup: number;
  /** The generator spins. */
  busy: boolean;
}

/** What native/echo_load.c prints. Latencies in microseconds. */
interface LoadReport {
  requests: number;
  seconds: number;
  reqPerSec: number;
  min: number;
  avg: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
  serverCpuNs: number;
  mismatches: number;
  buckets: HistogramBuckets;
}

/** One measurement of one server. */
export interface Sample extends LoadReport {
  /** CPU time of the server per request over exactly the counted interval, microseconds. */
  cpuPerRequest: number;
}

/** Milliseconds a run may take beyond its own time: connecting, and the generator's own limit on silence. */
const GRACE = 10_000;

/** Rejects when the server dies or stalls, and when a byte comes back wrong. */
export async function measure(server: RunningServer, load: Load): Promise<Sample> {
  const { child } = server;
  const generator = new Child({
    name: `load generator (${load.connections} connections to ${child.name})`,
    command: load.program,
    args: [
      ...["--port", String(server.port), "--pid", String(child.pid), "--connections", String(load.connections)],
      ...["--size", String(load.size), "--seconds", String(load.seconds), "--warmup", String(load.warmup)],
      ...(load.busy ? ["--busy"] : []),
    ],
    cpu: load.cpu,
  });
  const limit = (load.seconds + load.warmup) * 1000 + GRACE;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${generator.name} did not end within ${limit} ms`)), limit);
  });
  try {
    const output = await child.whileAlive(Promise.race([generator.output(), late]));
    const report = JSON.parse(output) as LoadReport;
    return { ...report, cpuPerRequest: report.serverCpuNs / 1000 / report.requests };
  } catch (error) {
    // A server that died takes its connections along: its own last words say more than the generator's.
    await child.whileAlive(new Promise((resolve) => setTimeout(resolve, 200)));
    throw error;
  } finally {
    clearTimeout(timer);
    await generator.stop();
  }
}
