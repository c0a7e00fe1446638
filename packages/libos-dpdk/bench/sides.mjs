/** What is measured: a server on one CPU and a generator on the other. Only those of one side run at a time. */
import { fileURLToPath } from "node:url";
import { Child, Generator, raise, whileRunning } from "@demikernel/bench";
import { libos } from "../test/bed/addresses.mjs";
import { application, applicationFile } from "./application.mjs";
import { makeDevices, makeOnInterface, makeOptions, makePair } from "./wires.mjs";

const { startServer } = await application("bench", "servers.js");
const { measure } = await application("bench", "load.js");
const client = fileURLToPath(new URL("client.mjs", import.meta.url));

const PORT = 7;
/** Seconds until the JavaScript of a client has been compiled. */
const COMPILING = 0.3;
/** Ethernet, IPv4, TCP. */
const FRAME_HEADERS = 54;

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

  while(measure) {
    return whileRunning(this.child, measure);
  }

  async stop() {
    await this.child?.stop();
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
      const cpu = this.placement.generator;
      this.generator = new Generator({ name: "demi-echo client", program: client, about, cpu });
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

  constructor(driver, interfaceName, folder, programs, placement) {
    Object.assign(this, { programs, placement });
    this.name = `demi-echo server, ${driver}, C client`;
    this.config = makeOnInterface(driver, interfaceName, folder);
    this.server = new DemiServer(placement);
  }

  async measure(load) {
    if (this.server.child === undefined) await this.server.start(this.config);
    const { child } = this.server;
    const own = { ...load, program: this.programs.load, cpu: this.placement.generator, busy: true };
    return this.server.while(() => measure({ child, host: libos[4], port: PORT }, own));
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
      const ping = new Child({
        name: `frame ping over ${this.wire}`,
        command: this.program,
        args,
        cpu: this.placement.generator,
        measured: true,
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
      const args = ["client", ...load, ...asKeys(client)];
      const own = { command: this.program, args, cpu: this.placement.generator, measured: true };
      const about = { name: `stack_echo client over ${this.wire}`, ...own };
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

const withCpu = (sample) => ({
  ...sample,
  cpuPerRequest: sample.serverCpuNs / 1000 / sample.requests,
});
