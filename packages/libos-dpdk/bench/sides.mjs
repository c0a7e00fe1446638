/** What is measured: a server on one CPU and a generator on the other. Only those of one side run at a time. */
import { fileURLToPath } from "node:url";
import { echoApplication, Generator, KeptPair, KeptServer, measurePrograms } from "@demikernel/bench";
import { libos } from "../test/bed/addresses.mjs";
import { makeDevices, makeOnInterface, makeOptions, makePair } from "./wires.mjs";

const application = echoApplication(import.meta.url);
const { startServer } = await application.module("bench", "servers.js");
const { measure } = await application.module("bench", "load.js");
const client = fileURLToPath(new URL("client.mjs", import.meta.url));

const PORT = 7;
/** Ethernet, IPv4, TCP. */
const FRAME_HEADERS = 54;

/** Starts demi-echo's server over DPDK. */
async function startDemiEcho(config, cpu) {
  const args = ["server", "--libos", "dpdk", "--config", config, "--loop", "poll"];
  const address = ["--host", libos[4], "--port", String(PORT)];
  const command = { name: "demi-echo server", command: process.execPath, expect: "dpdk" };
  const { child } = await startServer({ ...command, args: [application.file("cli.js"), ...args, ...address] }, cpu);
  return child;
}

/** demi-echo on both ends of a pair of devices. */
export class OverPair {
  kind = "pair";

  constructor(wire, folder, placement) {
    this.name = `demi-echo both ends, ${wire}`;
    let pair;
    const start = () => {
      pair = makePair(wire, folder);
      return startDemiEcho(pair.server, placement.server);
    };
    const generate = (server) => {
      const about = { config: pair.client, host: libos[4], port: PORT, server: server.pid };
      return new Generator({ name: "demi-echo client", program: client, about, cpu: placement.generator });
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

/** demi-echo's server on an interface of the kernel's, whose own sockets are the client, in C. */
export class ToKernel {
  kind = "interface";

  constructor(driver, interfaceName, folder, programs, placement) {
    Object.assign(this, { programs, placement });
    this.name = `demi-echo server, ${driver}, C client`;
    const config = makeOnInterface(driver, interfaceName, folder);
    this.server = new KeptServer(() => startDemiEcho(config, placement.server));
  }

  measure(load) {
    const own = { ...load, program: this.programs.load, cpu: this.placement.generator, busy: true };
    return this.server.while((child) => measure({ child, host: libos[4], port: PORT }, own));
  }

  stop() {
    return this.server.stop();
  }
}

/** Frames as long as those that carry the messages over the same pair of devices, one at a time and without a stack. */
export class BarePort {
  kind = "port";

  constructor(wire, program, folder, placement) {
    Object.assign(this, { wire, program, folder, placement });
    this.name = `bare port, ${wire}`;
  }

  measure({ size, seconds }) {
    const { server, client } = makeDevices(this.wire, this.folder);
    const bytes = Math.max(60, Math.min(1514, size + FRAME_HEADERS));
    const program = (name, ...args) => ({ name: `${name} over ${this.wire}`, command: this.program, args });
    return measurePrograms({
      server: { ...program("frame echo", "echo", server.device, ...(server.eal ?? [])), ready: /^ready$/ },
      client: () => program("frame ping", "ping", String(bytes), String(seconds), client.device, ...(client.eal ?? [])),
      placement: this.placement,
    });
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

  measure({ connections, size, seconds }) {
    const { server, client } = makeOptions(this.wire, this.folder);
    const program = (role, ...args) => ({
      name: `stack_echo ${role} over ${this.wire}`,
      command: this.program,
      args: [role, ...args],
    });
    return measurePrograms({
      server: { ...program("server", ...asKeys(server)), ready: /^ready$/ },
      client: (_, pid) =>
        program("client", ...[libos[4], connections, size, seconds, pid].map(String), ...asKeys(client)),
      placement: this.placement,
    });
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
