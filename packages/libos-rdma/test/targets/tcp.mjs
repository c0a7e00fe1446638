/** The target for any machine: messages over the kernel's TCP. Not RDMA. */
import { networkInterfaces } from "node:os";
import { openLibOS } from "@demikernel/core";
import { device, limits } from "./device.mjs";

const addresses = Object.values(networkInterfaces()).flat();
const loopbackHas = (family) => addresses.some((one) => one.internal && one.family === family);

/** With a loop mode, as an application that sleeps in it waits. */
export const tcpTarget = (loop) => ({
  name: loop === undefined ? "rdma/tcp" : `rdma/tcp/${loop}`,
  waits: loop === undefined ? "poll" : "loop",
  ...device,
  storage: "scratch",
  families: loopbackHas("IPv6") ? [4, 6] : [4],
  open: (overrides) => openLibOS({ libos: "rdma", provider: "tcp", from: import.meta.url, loop, ...limits(overrides) }),
  module: import.meta.url,
});

export const target = tcpTarget();
