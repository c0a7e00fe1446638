/** What is measured: a server on one CPU and a generator on the other. Only those of one side run at a time. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { echoApplication, Generator, KeptPair, measurePrograms } from "@demikernel/bench";
import { provider } from "./providers.mjs";

const application = echoApplication(import.meta.url);
const { startServer } = await application.module("bench", "servers.js");
const client = fileURLToPath(new URL("client.mjs", import.meta.url));

/** libfabric without anything above it on both ends, in C++. */
export class BareFabric {
  kind = "bare";

  /** `programs`: paths by name. */
  constructor(name, programs, placement) {
    const { bare, bareHost } = provider(name);
    Object.assign(this, { provider: name, program: programs[bare], host: bareHost, placement });
    this.name = `bare libfabric, ${name}`;
  }

  measure({ connections, size, seconds, warmup }) {
    const program = (role, ...args) => ({
      name: `${this.name}, ${role}`,
      command: this.program,
      args: [role, this.provider, ...args.map(String)],
    });
    return measurePrograms({
      server: { ...program("server", this.host, size), ready: /^listening on (\S+)$/ },
      client: ([name], pid) => program("client", name, connections, size, seconds, warmup, pid),
      placement: this.placement,
    });
  }

  /** Nothing stays. */
  async stop() {}
}

/** demi-echo on both ends. */
export class DemiEcho {
  kind = "ours";

  constructor(name, folder, placement) {
    this.provider = name;
    this.name = `demi-echo, ${name}`;
    const { options, host } = provider(name);
    // YAML understands JSON.
    const config = join(folder, `${name}.yaml`);
    let port;
    const start = async () => {
      writeFileSync(config, JSON.stringify({ libos: "rdma", rdma: options }));
      const args = ["server", "--libos", "rdma", "--config", config, "--loop", "poll", "--host", host, "--port", "0"];
      const command = { name: `${this.name}, server`, command: process.execPath, expect: `rdma, ${name}` };
      const server = { ...command, args: [application.file("cli.js"), ...args], host };
      const running = await startServer(server, placement.server);
      port = running.port;
      return running.child;
    };
    const generate = ({ pid }) => {
      const about = { options, to: { host, port }, server: pid };
      return new Generator({ name: `${this.name}, client`, program: client, about, cpu: placement.generator });
    };
    this.pair = new KeptPair(start, generate);
  }

  measure(load) {
    return this.pair.measure(load);
  }

  stop() {
    return this.pair.stop();
  }
}
