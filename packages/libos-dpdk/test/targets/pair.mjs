/** Targets over a pair of devices: the libOS on one end, another process of ours with a libOS on the other. */
import { isMainThread } from "node:worker_threads";
import { openLibOS } from "@demikernel/core";
import dpdk from "@demikernel/libos-dpdk";
import { libos, peer, prefix, silent } from "../bed/addresses.mjs";
import { WirePeers } from "./wire-peers.mjs";

const onEnd = (who, { device, eal = [] }) => ({
  libos: "dpdk",
  device,
  eal,
  mac: who.mac,
  ipv4: prefix(who, 4),
  ipv6: prefix(who, 6),
});

/** `ours` and `theirs` are the two ends: `{device, eal}`. Theirs is up first and owns the socket. */
export function pairTarget(name, { ours, theirs }, module) {
  const peers = new WirePeers(onEnd(peer, theirs));
  return {
    name: `dpdk/${name}`,
    features: dpdk.features,
    families: [4, 6],
    hostPeer: true,
    peers,
    peersLack: ["halfClose", "emptyDatagrams"],
    // Each call on a peer is a message to another process and back.
    timeScale: 2,
    address: (family) => ({ host: libos[family] }),
    peerAddress: (family) => ({ host: peer[family] }),
    silentAddress: (family) => ({ host: silent[family] }),
    async open(options) {
      // The peer belongs to the main thread; a Worker opens its libOS beside it.
      if (isMainThread) await peers.start();
      return openLibOS({ ...onEnd(libos, ours), from: import.meta.url, ...options });
    },
    module,
  };
}
