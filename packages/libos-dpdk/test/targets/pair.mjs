/** Targets over a pair of devices: the libOS on one end, another test process with a libOS on the other. */
import { isMainThread } from "node:worker_threads";
import { openLibOS } from "@demikernel/core";
import { libos, peer, prefix, silent } from "../bed/addresses.mjs";
import { reach } from "../programs/reach.mjs";
import { device as sockets } from "./device.mjs";
import { PeerProcess } from "./peer-process.mjs";

const onEnd = (who, { device, eal = [] }) => ({
  libos: "dpdk",
  device,
  eal,
  mac: who.mac,
  ipv4: prefix(who, 4),
  ipv6: prefix(who, 6),
});

/**
 * `ours` and `theirs` give the two ends, `{device, eal}`, of the nth pair. Theirs is up first and owns the socket. With `once` the
 * peer's process serves only one tested libOS, and starting it takes its time: `timeScale`. `module` is for Workers, which open their libOS on the pair that is there.
 */
export function pairTarget(name, { ours, theirs, once = false, timeScale = 5, storage }, module) {
  let pairs = 0;
  let current;
  let next;
  const start = () => {
    const n = ++pairs;
    return { n, process: new PeerProcess(onEnd(peer, theirs(n))) };
  };

  /** The pair that the next tested libOS is on. */
  async function pair() {
    // Ours has been closed by now: the peer's end has nothing left to do.
    if (once) await current?.process.stop();
    if (once || !current?.process.alive) {
      current = next ?? start();
      next = once ? start() : undefined;
    }
    await current.process.ready;
    return current;
  }

  return {
    name: `dpdk/${name}`,
    ...sockets,
    hostPeer: true,
    storage,
    peers: {
      connect: (to) => current.process.connect(to),
      listen: (host, onConnection) => current.process.listen(host, onConnection),
      datagram: (host, onMessage) => current.process.datagram(host, onMessage),
    },
    peersLack: ["emptyDatagrams"],
    // Each call on a peer is a message to another process and back, and a process takes half a second to start. Two that poll beside
    // a third on two cores wait for one another most of the time.
    timeScale,
    address: (family) => ({ host: libos[family] }),
    peerAddress: (family) => ({ host: peer[family] }),
    silentAddress: (family) => ({ host: silent[family] }),
    async open(options) {
      if (!isMainThread) {
        const n = Number(new URL(module).searchParams.get("pair"));
        return openLibOS({ ...onEnd(libos, ours(n)), from: import.meta.url, ...options });
      }
      const { n, process: other } = await pair();
      const os = await openLibOS({ ...onEnd(libos, ours(n)), from: import.meta.url, ...options });
      await Promise.all([reach(os, peer[4]), other.call("reach", libos[4])]);
      return os;
    },
    /** Kills the peer's process. */
    killPeer: () => current.process.stop(),
    async end() {
      await current?.process.stop();
      await next?.process.stop();
    },
    get module() {
      return module === undefined ? undefined : `${module}?pair=${current?.n}`;
    },
  };
}
