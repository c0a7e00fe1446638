/** What is measured: a server on one CPU and a generator on the other. Only those of one side run at a time. */
import { Child } from "@demikernel/core/bench";
import { libos } from "../test/bed/addresses.mjs";
import { application, applicationFile } from "./application.mjs";
import { Generator } from "./generator.mjs";
import { lower, raise, raised } from "./priority.mjs";
import { makeDevices, makeOnInterface, makeOptions, makePair } from "./wires.mjs";

const { startServer, baselines } = await application("bench", "servers.js");

const PORT = 7;
/** Seconds until the JavaScript of a client has been compiled. */
const COMPILING = 0.3;
/** Ethernet, IPv4, TCP. */
const FRAME_HEADERS = 54;
/** Milliseconds a C client may take beyond its own time. */
const GRACE = 10_000;

/** C on epoll over the kernel's loopback. `busy`: both ends spin. */
export class KernelLoopback {
  kind = "kernel";

  constructor(programs, busy, placement) {
    const [server] = baselines(programs, busy);
    Object.assign(this, { server, programs, busy, placement });
    this.name = `kernel loopback, C epoll${busy ? " busy" : ""}`;
  }

  async measure(load) {
    const { child, port } = await startServer(this.server, this.placement.server);
    try {
      raise(child.pid);
      return await cClient(child, this, { ...load, host: "127.0.0.1", port });
    } finally {
      await child.stop();
    }
  }

  async stop() {}
}

/** demi-echo's server over DPDK: a process that stays, compiled and warm, and is halted while others are measured. */
class DemiServer {
  constructor(placement) {
    this.placement = placement;
  }

  async start(config) {
    const args = ["server", "--libos", "dpdk", "--config", config, "--loop", "poll"];
    const address = ["--host", libos[4], "--port", String(PORT)];
    const command = { name: "demi-echo server", command: process.execPath, expect: "dpdk" };
    const server = { ...command, args: [applicationFile("cli.js"), ...args, ...address] };
    const { child } = await startServer(server, this.placement.server);
    this.child = child;
  }

  async while(measure) {
    const { pid } = this.child;
    process.kill(pid, "SIGCONT");
    raise(pid);
    try {
      return await this.child.whileAlive(measure());
    } finally {
      lower(pid);
      // It polls: it would use its CPU whether there is work or not.
      process.kill(pid, "SIGSTOP");
    }
  }

  async stop() {
    if (this.child === undefined) return;
    process.kill(this.child.pid, "SIGCONT");
    await this.child.stop();
  }
}

/** demi-echo on both ends of a pair of devices. */
export class OverPair {
  kind = "pair";

  constructor(wire, folder, placement) {
    Object.assign(this, { wire, folder, placement });
    this.name = `demi-echo both ends, ${wire}`;
    this.server = new DemiServer(placement);
  }

  async measure(load) {
    if (this.generator === undefined) {
      const pair = makePair(this.wire, this.folder);
      await this.server.start(pair.server);
      const about = { config: pair.client, host: libos[4], port: PORT, server: this.server.child.pid };
      this.generator = new Generator(about, this.placement.generator);
      await this.generator.ready();
    }
    // Its compiler's threads share the CPU with it, and at real-time priority wait for their turn.
    const longer = { ...load, warmup: Math.max(load.warmup, COMPILING) };
    return withCpu(await this.server.while(() => this.generator.measure(longer)));
  }

  async stop() {
    await this.generator?.stop();
    await this.server.stop();
  }
}

/** demi-echo's server on an interface of the kernel's, whose own sockets are the client, in C. */
export class ToKernel {
  kind = "interface";
  busy = true;

  constructor(driver, interfaceName, folder, programs, placement) {
    Object.assign(this, { programs, placement });
    this.name = `demi-echo server, ${driver}, C client`;
    this.config = makeOnInterface(driver, interfaceName, folder);
    this.server = new DemiServer(placement);
  }

  async measure(load) {
    if (this.server.child === undefined) await this.server.start(this.config);
    const to = { ...load, host: libos[4], port: PORT };
    return this.server.while(() => cClient(this.server.child, this, to));
  }

  async stop() {
    await this.server.stop();
  }
}

/** Frames as long as those that carry the messages over the same pair of devices, one at a time and without a stack. */
export class BarePort {
  kind = "port";

  constructor(wire, program, folder, placement) {
    Object.assign(this, { wire, program, folder, placement });
    this.name = `bare port, ${wire}`;
  }

  async measure({ size, seconds }) {
    const { server, client } = makeDevices(this.wire, this.folder);
    const bytes = Math.max(60, Math.min(1514, size + FRAME_HEADERS));
    const echo = new Child({
      name: `frame echo over ${this.wire}`,
      command: this.program,
      args: ["echo", server.device, ...(server.eal ?? [])],
      cpu: this.placement.server,
    });
    try {
      await echo.ready(/^ready$/);
      raise(echo.pid);
      const args = ["ping", String(bytes), String(seconds), client.device, ...(client.eal ?? [])];
      const [command, all] = raised(this.program, args);
      const ping = new Child({
        name: `frame ping over ${this.wire}`,
        command,
        args: all,
        cpu: this.placement.generator,
      });
      return JSON.parse(await echo.whileAlive(ping.output()));
    } finally {
      await echo.stop();
    }
  }

  async stop() {}
}

/** C++ on the backend's stack on both ends of a pair of devices: demi-echo less the boundary and JavaScript. */
export class StackOverPair {
  kind = "stack";

  constructor(wire, program, folder, placement) {
    Object.assign(this, { wire, program, folder, placement });
    this.name = `C++ on the stack, ${wire}`;
  }

  async measure({ connections, size, seconds }) {
    const { server, client } = makeOptions(this.wire, this.folder);
    const child = new Child({
      name: `stack_echo server over ${this.wire}`,
      command: this.program,
      args: ["server", ...asKeys(server)],
      cpu: this.placement.server,
    });
    try {
      await child.ready(/^ready$/);
      raise(child.pid);
      const load = [libos[4], connections, size, seconds, child.pid].map(String);
      const [command, args] = raised(this.program, ["client", ...load, ...asKeys(client)]);
      const about = { name: `stack_echo client over ${this.wire}`, command, args, cpu: this.placement.generator };
      return withCpu(JSON.parse(await child.whileAlive(new Child(about).output())));
    } finally {
      await child.stop();
    }
  }

  async stop() {}
}

/** Options as the addon takes them. */
function asKeys({ device, mac, ipv4, arp, eal = [] }) {
  const neighbours = Object.entries(arp).map(([ip, address]) => `${ip}=${address}`);
  const keys = { device, mac, ipv4, arp: neighbours.join(","), eal: eal.join("\n") };
  const defaults = { mtu: 1500, hugepages: "auto", mbufs: 8192 };
  return Object.entries({ ...keys, ...defaults }).map(([key, value]) => `${key}=${value}`);
}

/** apps-echo's C generator against a server. */
async function cClient(server, { programs, placement, busy }, { warmupRequests: _, ...load }) {
  const options = Object.entries({ ...load, pid: server.pid }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const [command, args] = raised(programs.load, [...options, ...(busy ? ["--busy"] : [])]);
  const generator = new Child({ name: "C client", command, args, cpu: placement.generator });
  const limit = (load.seconds + load.warmup) * 1000 + GRACE;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the C client did not end within ${limit} ms`)), limit);
  });
  try {
    return withCpu(JSON.parse(await server.whileAlive(Promise.race([generator.output(), late]))));
  } finally {
    clearTimeout(timer);
    await generator.stop();
  }
}

const withCpu = ({ buckets: _, ...sample }) => ({
  ...sample,
  cpuPerRequest: sample.serverCpuNs / 1000 / sample.requests,
});
