/** What the cases run against: node:net, or ours on a backend. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a subject lacks, and why: cases that need it are skipped there. */
export const REASONS = {
  kernel: "the device does not offer a way to the kernel, which would be the peer",
  ipv6: "the device does not offer IPv6",
  localhost: "the device does not offer localhost",
  addresses: "the device does not offer a second address",
  own: "the kernel does not offer sockets of ours to who accepts",
};

const beside = (name) => fileURLToPath(new URL(`../../../${name}/`, import.meta.url));

/** @typedef {{ libos?: object, lacks: (keyof typeof REASONS)[], host?: string, addon?: string, isLeft?: boolean }} Subject */
/** @type {Record<string, Subject>} */
export const SUBJECTS = {
  "node:net": { lacks: [] },
  "posix, io_uring": { libos: { libos: "posix", posix: { engine: "io_uring" } }, lacks: [] },
  "posix, epoll": { libos: { libos: "posix", posix: { engine: "epoll" } }, lacks: [] },
  // Nothing goes over the libOS: what register leaves to the kernel is to be as node:net's, too.
  "left to the kernel": { libos: { libos: "posix" }, isLeft: true, lacks: ["own"] },
  // Both ends are in one process: messages through memory, and a stack that talks to itself over a device that discards all frames.
  "rdma, shm": {
    libos: { libos: "rdma", from: beside("libos-rdma"), provider: "shm" },
    addon: `${beside("libos-rdma")}prebuilds/linux-x64/demi_rdma.node`,
    lacks: ["kernel", "ipv6", "localhost"],
  },
  "dpdk, net_null": {
    libos: { libos: "dpdk", from: beside("libos-dpdk"), device: "net_null0", ipv4: "10.7.0.2/24" },
    addon: `${beside("libos-dpdk")}prebuilds/linux-x64/demi_dpdk.node`,
    host: "10.7.0.2",
    lacks: ["kernel", "ipv6", "localhost", "addresses"],
  },
};

/** The module, whose libOS its first use opens; and the address to use. */
export async function prepare(name) {
  const { libos, host = "127.0.0.1" } = SUBJECTS[name];
  if (libos === undefined) return { net: await import("node:net"), host };
  // What open() is given otherwise stands in the configuration file.
  const { libos: backend, from, ...options } = libos;
  const folder = mkdtempSync(join(tmpdir(), "net-behaviour-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  process.env.DEMI_CONFIG = join(folder, "demi.json");
  writeFileSync(process.env.DEMI_CONFIG, JSON.stringify({ libos: backend, [backend]: options[backend] ?? options }));
  return { net: await import("@demikernel/net"), host };
}

/** The module under test and its libOS, which is open: address() is then as in Node from listen() on. */
export async function load(name) {
  const { libos, isLeft } = SUBJECTS[name];
  if (libos === undefined) return { net: await import("node:net"), os: undefined };
  const net = await import("@demikernel/net");
  const os = await net.open(libos);
  if (isLeft) (await import("../../dist/route.js")).setRoute(() => "kernel");
  return { net, os };
}
