/**
 * The sides of a comparison: a server on one CPU and a generator on the other, of which only those of one side run at a time. Programs that
 * are started anew for each measurement, and processes that stay.
 */
import { Child } from "./child.js";
import { answerLoads, type Generator, type TimedLoad } from "./generator.js";
import type { Placement } from "./pin.js";
import { raise, whileRunning } from "./priority.js";

/** Figures of one measurement, by name. Times in microseconds, but for `serverCpuNs`. */
export type Sample = Readonly<Record<string, number | undefined>>;

export interface SideLoad extends TimedLoad {
  connections: number;
  /** Bytes in a message. */
  size: number;
}

export interface Side {
  readonly name: string;
  /** What it is to the comparison: "kernel" is what the others are measured against. */
  readonly kind: string;
  /** A side of the kernel's: both ends spin. */
  readonly busy?: boolean;
  measure(load: SideLoad): Promise<Sample>;
  stop(): Promise<void>;
}

/** Two programs: one says on a line that it is `ready`, the other measures and prints a sample as JSON. */
export interface ProgramPair {
  server: { name: string; command: string; args: readonly string[]; ready: RegExp };
  /** Told what the line of the server had in parentheses, and the server's process. */
  client(line: readonly string[], server: number): { name: string; command: string; args: readonly string[] };
  placement: Placement;
}

/** Starts the pair, measures once, and ends it. */
export async function measurePrograms({ server, client, placement }: ProgramPair): Promise<Sample> {
  const child = new Child({ name: server.name, command: server.command, args: server.args, cpu: placement.server });
  try {
    const [, ...line] = await child.ready(server.ready);
    raise(child.pid);
    const measuring = new Child({ ...client(line, child.pid), cpu: placement.generator, measured: true });
    return withCpuPerRequest(JSON.parse(await child.whileAlive(measuring.output())) as Sample);
  } finally {
    await child.stop();
  }
}

/** A server that stays, compiled and warm, and is halted while others are measured. */
export class KeptServer {
  #child: Child | undefined;
  readonly #start: () => Promise<Child>;

  constructor(start: () => Promise<Child>) {
    this.#start = start;
  }

  /** Measures while it runs; the first time starts it. */
  async while<T>(measure: (server: Child) => Promise<T>): Promise<T> {
    this.#child ??= await this.#start();
    const child = this.#child;
    return whileRunning(child, () => measure(child));
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}

/** Seconds until the JavaScript of a client has been compiled. */
const COMPILING = 0.3;

/** A server, and a generator in JavaScript for it ({@link answerClosedLoops}), that both stay. */
export class KeptPair {
  readonly #server: KeptServer;
  readonly #generate: (server: Child) => Generator<SideLoad, Sample>;
  #generator: Generator<SideLoad, Sample> | undefined;

  constructor(start: () => Promise<Child>, generate: (server: Child) => Generator<SideLoad, Sample>) {
    this.#server = new KeptServer(start);
    this.#generate = generate;
  }

  async measure(load: SideLoad): Promise<Sample> {
    // Its compiler's threads share the CPU with it, and at real-time priority wait for their turn.
    const longer = { ...load, warmup: Math.max(load.warmup, COMPILING) };
    const sample = await this.#server.while(async (server) => {
      if (this.#generator === undefined) {
        this.#generator = this.#generate(server);
        await this.#generator.ready();
      }
      return this.#generator.measure(longer);
    });
    return withCpuPerRequest(sample);
  }

  async stop(): Promise<void> {
    await this.#generator?.stop();
    await this.#server.stop();
  }
}

/** What the closed loop of the echo application's client gives. */
interface ClosedLoop<OS, Latency> {
  measureClosedLoop(os: OS, load: object): Promise<{ latency: Latency; perRequest: Record<string, number> }>;
  percentiles(latency: Latency): Sample;
}

/**
 * In the generator's process: answers each load with a closed loop of the echo application's client on `os`. `about` says where the server
 * is, and which `counters` of os.stats() are told per request: they stand in a sample under the names of `perRequest`.
 */
export function answerClosedLoops<OS, Latency>(
  { measureClosedLoop, percentiles }: ClosedLoop<OS, Latency>,
  os: OS,
  about: { to: { host: string; port: number }; server: number },
  perRequestNames: Readonly<Record<string, string>> = {},
): void {
  answerLoads(async (load: SideLoad) => {
    const counters = Object.values(perRequestNames);
    const { latency, perRequest, ...sample } = await measureClosedLoop(os, { ...load, ...about, counters });
    const counted = Object.entries(perRequestNames).map(([name, counter]) => [name, perRequest[counter]]);
    return { ...sample, ...percentiles(latency), ...Object.fromEntries(counted) } as Sample;
  });
}

function withCpuPerRequest(sample: Sample): Sample {
  const { serverCpuNs, requests } = sample;
  return serverCpuNs === undefined || requests === undefined
    ? sample
    : { ...sample, cpuPerRequest: serverCpuNs / 1000 / requests };
}
