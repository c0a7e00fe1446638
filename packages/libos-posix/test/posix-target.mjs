import { networkInterfaces } from "node:os";
import { openLibOS } from "@demikernel/core";
import posix from "@demikernel/libos-posix";

const loopbackHas = (family) =>
  Object.values(networkInterfaces()).some((addresses) => addresses.some((a) => a.internal && a.family === family));

/** An engine of the posix backend as the conformance suite sees it. */
export function posixTarget(engine, module) {
  return {
    name: `posix/${engine}`,
    features: posix.features,
    families: loopbackHas("IPv6") ? [4, 6] : [4],
    // The kernel's sockets are what node:net uses, too.
    hostPeer: true,
    open: (options) => openLibOS({ libos: "posix", engine, from: import.meta.url, ...options }),
    module,
  };
}
