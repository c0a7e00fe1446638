/** One run of a load generator against one server. */
import { fileURLToPath } from "node:url";
import { Child, type HistogramBuckets } from "@demikernel/bench";
import type { LibOSLoad } from "./libos-load.js";
import type { RunningServer } from "./servers.js";

export interface Load {
  /** The generator in C, for servers that the kernel reaches. */
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

/** What a generator prints. Latencies in microseconds. */
export interface LoadReport {
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
/** More for one that opens a device, waits for its link and is compiled first. */
const LIBOS_GRACE = 30_000;

const libosLoad = fileURLToPath(new URL("./libos-load.js", import.meta.url));

/** Rejects when the server dies or stalls, and when a byte comes back wrong. */
export async function measure(server: RunningServer, load: Load): Promise<Sample> {
  const { child } = server;
  const name = `load generator (${load.connections} connections to ${server.name})`;
  const command = server.client ? ours(server, load) : inC(server, load);
  const generator = new Child({ name, cpu: load.cpu, measured: true, ...command });
  const grace = server.client ? LIBOS_GRACE : GRACE;
  const limit = (load.seconds + load.warmup) * 1000 + grace;
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

type Command = { command: string; args: string[] };

function inC({ host, port, child }: RunningServer, load: Load): Command {
  const args = [
    ...["--host", host, "--port", String(port), "--pid", String(child.pid), "--connections", String(load.connections)],
    ...["--size", String(load.size), "--seconds", String(load.seconds), "--warmup", String(load.warmup)],
    ...(load.busy ? ["--busy"] : []),
  ];
  return { command: load.program, args };
}

function ours({ host, port, child, client }: RunningServer, load: Load): Command {
  const { connections, size, seconds, warmup } = load;
  const { libos, config } = client as NonNullable<RunningServer["client"]>;
  const task: LibOSLoad = { libos, config, to: { host, port }, connections, size, seconds, warmup, server: child.pid };
  return { command: process.execPath, args: [libosLoad, JSON.stringify(task)] };
}
