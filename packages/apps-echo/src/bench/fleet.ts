/**
 * The servers of a comparison while it lasts: those that sleep when idle are started once and stay warm, those that spin run only
 * while they are measured.
 */
import type { Load, Sample } from "./load.js";
import { measure } from "./load.js";
import { type RunningServer, type Server, startServer } from "./servers.js";

/** Uncounted seconds that let a JavaScript server be compiled after its start. */
const FIRST_WARMUP = 0.5;

export class Fleet {
  /** Servers that cannot run here, with the reason. */
  readonly leftOut: { name: string; reason: string }[] = [];
  readonly servers: Server[] = [];
  readonly #resident = new Map<string, RunningServer>();

  constructor(private readonly cpu: number | undefined) {}

  /** Starts each server and warms it up. One that does not start is left out; one that fails under load ends the benchmark. */
  async start(servers: readonly Server[], load: Load): Promise<void> {
    for (const server of servers) {
      let running: RunningServer | undefined;
      try {
        running = await startServer(server, this.cpu);
        // Whether the client speaks what the server does, and a device of the user's leads anywhere.
        if (server.side === "ours") await measure(running, { ...load, seconds: 0.1 });
      } catch (error) {
        await running?.child.stop();
        this.leftOut.push({ name: running?.name ?? server.name, reason: (error as Error).message });
        continue;
      }
      const { name } = running;
      if (this.servers.some((other) => other.name === name)) {
        await running.child.stop();
        throw new Error(`two servers are called ${name}`);
      }
      if (server.spins) {
        await running.child.stop();
      } else {
        this.#resident.set(name, running);
        await measure(running, { ...load, connections: 16, seconds: 0.1, warmup: FIRST_WARMUP });
      }
      this.servers.push({ ...server, name });
    }
  }

  async measure(server: Server, load: Load): Promise<Sample> {
    const resident = this.#resident.get(server.name);
    if (resident !== undefined) return measure(resident, load);
    const running = await startServer(server, this.cpu);
    try {
      return await measure(running, { ...load, warmup: Math.max(load.warmup, FIRST_WARMUP) });
    } finally {
      await running.child.stop();
    }
  }

  async stop(): Promise<void> {
    const running = [...this.#resident.values()];
    this.#resident.clear();
    await Promise.all(running.map(({ child }) => child.stop()));
  }
}
