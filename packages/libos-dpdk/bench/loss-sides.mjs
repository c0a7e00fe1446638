/** What the loss benchmark measures: two hosts, and frames between them that get lost. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { libos, peer, prefix } from "../test/bed/addresses.mjs";
import { run } from "../test/bed/bed.mjs";
import { DPDK_END } from "../test/bed/wire.mjs";
import { openHost } from "./loss-streams.mjs";
import { makeOptions } from "./wires.mjs";

const program = fileURLToPath(new URL("loss-server.mjs", import.meta.url));
/** EAL starts once in a process: all libOSes here have the arguments that one of them needs. */
const EAL = ["--single-file-segments"];

class Server {
  async start(about, execution = {}) {
    this.child = fork(program, [JSON.stringify(about)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      ...execution,
    });
    this.gone = once(this.child, "exit").then(([code, signal]) => {
      throw new Error(`the loss benchmark's server ended by itself: ${signal ?? code}`);
    });
    this.gone.catch(() => undefined);
    await this.message();
  }

  message() {
    return Promise.race([once(this.child, "message"), this.gone]);
  }

  stop() {
    this.child?.kill("SIGKILL");
  }
}

/** A libOS here, which loses frames below its stack; `kernel` or another libOS there. */
class LibosSide {
  constructor(name, { options, server, address, bytes }) {
    Object.assign(this, { name, options, address, seeded: true });
    this.server = new Server();
    this.ready = () => this.server.start({ options: server, host: address, bytes });
  }

  /** Faults are the option's: `drop`, and one in N segments with data. */
  open({ drop = 0, seed = 1, loseSent = 0, loseReceived = 0 }) {
    const fault = `drop=${drop},seed=${seed},lose-sent=${loseSent},lose-received=${loseReceived}`;
    return openHost({ ...this.options, libos: "dpdk", eal: EAL, fault, from: import.meta.url });
  }

  stop() {
    this.server.stop();
  }
}

export function overAfPacket(bytes) {
  const options = { device: `net_af_packet0,iface=${DPDK_END}`, ipv4: prefix(libos, 4) };
  return new LibosSide("libOS to kernel, af_packet", { options, address: peer[4], bytes });
}

export function overVirtio(folder, bytes) {
  const { server, client } = makeOptions("virtio", folder);
  const there = { ...server, libos: "dpdk" };
  return new LibosSide("libOS to libOS, virtio", { options: client, server: there, address: libos[4], bytes });
}

const NEAR = { name: "dk2", address: "10.8.0.1" };
const FAR = { name: "dk3", address: "10.8.0.2" };

/** The kernel on both ends of a veth, the other in a separate namespace; nftables loses packets on their way in. */
export class KernelSide {
  name = "kernel to kernel, veth";
  seeded = false;
  address = FAR.address;
  server = new Server();

  constructor(bytes) {
    this.bytes = bytes;
  }

  async ready() {
    const about = { host: FAR.address, bytes: this.bytes, wait: true };
    await this.server.start(about, { execPath: "unshare", execArgv: ["--net", process.execPath] });
    this.there = ["nsenter", `--net=/proc/${this.server.child.pid}/ns/net`];
    run("ip", "link", "add", NEAR.name, "type", "veth", "peer", "name", FAR.name);
    run("ip", "link", "set", FAR.name, "netns", String(this.server.child.pid));
    for (const [end, where] of [
      [NEAR, []],
      [FAR, this.there],
    ]) {
      const on = (...command) => run(...where, ...command);
      on("ethtool", "-K", end.name, "gro", "off", "gso", "off", "tso", "off");
      on("ip", "address", "add", `${end.address}/24`, "dev", end.name);
      on("ip", "link", "set", end.name, "up");
    }
    this.server.child.send("go");
    await this.server.message();
  }

  async open({ drop = 0, loseSent = 0, loseReceived = 0 }) {
    const random = drop === 0 ? [] : [`numgen random mod 100000 < ${drop * 100_000} drop`];
    const nth = (every) => (every === 0 ? [] : [`meta length > 500 numgen inc mod ${every} == ${every - 1} drop`]);
    this.#rules([], NEAR.name, [...random, ...nth(loseReceived)]);
    this.#rules(this.there, FAR.name, [...random, ...nth(loseSent)]);
    return openHost();
  }

  #rules(where, name, rules) {
    const nft = (line) => run(...where, "nft", line);
    nft("add table ip loss; delete table ip loss; add table ip loss");
    nft("add chain ip loss in { type filter hook prerouting priority 0; }");
    for (const rule of rules) nft(`add rule ip loss in iifname ${name} ${rule}`);
  }

  stop() {
    this.server.stop();
  }
}
