/** What is measured: a server on one CPU and a generator on the other. Only those of one side run at a time. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, Generator, raise, whileRunning } from "@demikernel/bench";
import { application, applicationFile } from "./application.mjs";
import { provider } from "./providers.mjs";

const { startServer } = await application("bench", "servers.js");
const client = fileURLToPath(new URL("client.mjs", import.meta.url));

/** Seconds until the JavaScript of a client has been compiled. */
const COMPILING = 0.3;

/** libfabric without anything above it on both ends, in C++. */
export class BareFabric {
  kind = "bare";

  /** `programs`: paths by name. */
  constructor(name, programs, placement) {
    const { bare, bareHost } = provider(name);
    Object.assign(this, { provider: name, program: programs[bare], host: bareHost, placement });
    this.name = `bare libfabric, ${name}`;
  }

  async measure({ connections, size, seconds, warmup }) {
    const server = new Child({
      name: `${this.name}, server`,
      command: this.program,
      args: ["server", this.provider, this.host, String(size)],
      cpu: this.placement.server,
    });
    try {
      const [, name] = await server.ready(/^listening on (\S+)$/);
      raise(server.pid);
      const load = [name, connections, size, seconds, warmup, server.pid].map(String);
      const command = { command: this.program, args: ["client", this.provider, ...load] };
      const about = { name: `${this.name}, client`, ...command, cpu: this.placement.generator, measured: true };
      return withCpu(JSON.parse(await server.whileAlive(new Child(about).output())));
    } finally {
      await server.stop();
    }
  }

  /** Nothing stays. */
  async stop() {}
}

/** demi-echo on both ends. Both processes stay, compiled and warm, and are halted or idle while others are measured. */
export class DemiEcho {
  kind = "ours";

  constructor(name, folder, placement) {
    Object.assign(this, { provider: name, folder, placement });
    this.name = `demi-echo, ${name}`;
  }

  async start() {
    const { options, host } = provider(this.provider);
    // YAML understands JSON.
    const config = join(this.folder, `${this.provider}.yaml`);
    writeFileSync(config, JSON.stringify({ libos: "rdma", rdma: options }));
    const args = ["server", "--libos", "rdma", "--config", config, "--loop", "poll", "--host", host, "--port", "0"];
    const command = { name: `${this.name}, server`, command: process.execPath, expect: `rdma, ${this.provider}` };
    const server = await startServer(
      { ...command, args: [applicationFile("cli.js"), ...args], host },
      this.placement.server,
    );
    this.server = server.child;
    const about = { options, to: { host, port: server.port }, server: this.server.pid };
    const cpu = this.placement.generator;
    this.generator = new Generator({ name: `${this.name}, client`, program: client, about, cpu });
    await this.generator.ready();
  }

  async measure(load) {
    if (this.generator === undefined) await this.start();
    // Its compiler's threads share the CPU with it, and at real-time priority wait for their turn.
    const longer = { ...load, warmup: Math.max(load.warmup, COMPILING) };
    return withCpu(await whileRunning(this.server, () => this.generator.measure(longer)));
  }

  async stop() {
    await this.generator?.stop();
    await this.server?.stop();
  }
}

const withCpu = (sample) => ({ ...sample, cpuPerRequest: sample.serverCpuNs / 1000 / sample.requests });
