import { networkInterfaces } from "node:os";
import { openLibOS } from "@demikernel/core";
import posix from "@demikernel/libos-posix";

const loopbackHas = (family) =>
  Object.values(networkInterfaces()).some((addresses) => addresses.some((a) => a.internal && a.family === family));

/** An engine of the posix backend as the conformance suite sees it; with a loop mode, as an application that sleeps in it does. */
export function posixTarget(engine, module, loop) {
  return {
    name: loop === undefined ? `posix/${engine}` : `posix/${engine}/${loop}`,
    waits: loop === undefined ? "poll" : "loop",
    features: posix.features,
    families: loopbackHas("IPv6") ? [4, 6] : [4],
    // node:net also uses kernel sockets.
    hostPeer: true,
    storage: "scratch",
    open: (options) => openLibOS({ libos: "posix", engine, loop, from: import.meta.url, ...options }),
    module,
  };
}
