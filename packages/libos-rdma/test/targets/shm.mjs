/** The target between processes of one host, here within one: messages through shared memory. Not RDMA. */
import { openLibOS } from "@demikernel/core";
import { device, limits } from "./device.mjs";

export const target = {
  name: "rdma/shm",
  ...device,
  // Nothing tells a sleeper: it looks once a millisecond.
  features: { ...device.features, udp: true, sleep: false },
  maxDatagram: () => 4068,
  storage: "scratch",
  open: (overrides) => openLibOS({ libos: "rdma", provider: "shm", from: import.meta.url, ...limits(overrides) }),
  module: import.meta.url,
};
