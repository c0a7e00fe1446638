import { openLibOS } from "@demikernel/core";

/** The memory backend as the conformance suite sees it: in this thread and, imported again, in a Worker. */
export const target = {
  name: "memory",
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: false, sleep: false },
  open: (options) => openLibOS({ libos: "memory", from: import.meta.url, ...options }),
  storage: "scratch",
  module: import.meta.url,
};
