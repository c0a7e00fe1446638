/** What the cases run against: node:net, or ours on a backend. */

/** What a subject lacks, and why: cases that need it are skipped there. */
export const REASONS = {
  kernel: "its peer is the kernel, which is not on this device's network",
  ipv6: "the device has no IPv6",
  localhost: "localhost is not on this device",
};

/** @typedef {{ libos?: object, lacks: (keyof typeof REASONS)[], host?: string }} Subject */
/** @type {Record<string, Subject>} */
export const SUBJECTS = {
  "node:net": { lacks: [] },
  "posix (io_uring)": { libos: { libos: "posix", posix: { engine: "io_uring" } }, lacks: [] },
  "posix (epoll)": { libos: { libos: "posix", posix: { engine: "epoll" } }, lacks: [] },
};

/** The module under test, its libOS open: address() is then as in Node from listen() on. */
export async function load(name) {
  const { libos } = SUBJECTS[name];
  if (libos === undefined) return import("node:net");
  const net = await import("@demikernel/net");
  await net.open(libos);
  return net;
}
