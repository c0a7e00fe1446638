/** What the suite is told about the backend under test. */

import type { CoreOptions, LibOS, SocketOptionValues } from "@demikernel/core";
import type { Features } from "@demikernel/core/backend";
import type { Peers } from "./peers.js";

/** What a case asks of openLibOS() beside the target's own choice of backend: small limits, a loop mode, a storage engine and its options. */
export type OpenOverrides = Partial<CoreOptions> & { storage?: string; [engine: string]: unknown };

export interface ConformanceTarget {
  /** Printed with every group: "posix/epoll". */
  readonly name: string;
  /** The manifest: what the backend says it can do. A group that needs more is reported as skipped, with the reason. */
  readonly features: Features;
  /**
   * A fresh libOS. The suite destroys it. Without `overrides` it is the one that cases share, with room for 256 connections at once; a case
   * that opens its own gives them, `{}` at least, and has few.
   */
  open(overrides?: OpenOverrides): Promise<LibOS>;
  /** Where the libOS's sockets bind. Default 127.0.0.1 and ::1. */
  address?(family: 4 | 6): { host: string };
  /** Where the peers' sockets bind: the other end of the wire. Default: `address()`. */
  peerAddress?(family: 4 | 6): { host: string };
  /** An address of the network that nobody answers for, so that connecting to it stays under way. Default none. */
  silentAddress?(family: 4 | 6): { host: string };
  /** Address families this machine has. Default both. */
  readonly families?: readonly (4 | 6)[];
  /** True when peers that are not this libOS reach `address()`: node:net and node:dgram in this process, or `peers`. Default false. */
  readonly hostPeer?: boolean;
  /** How peers are made where they are not node:net and node:dgram in this process. */
  readonly peers?: Peers;
  /** What `peers` cannot do. Queues, for example, do neither of these. Default nothing. */
  readonly peersLack?: readonly PeerAbility[];
  /** The largest datagram between two sockets of the libOS. Default what IP allows: 65507 bytes, 65527 over IPv6. */
  maxDatagram?(family: 4 | 6): number;
  /** Socket options that can be set; setting another is ENOPROTOOPT. Default all. */
  readonly socketOptions?: readonly (keyof SocketOptionValues)[];
  /**
   * How cases wait: "poll", the libOS is polled in turns of Node's loop; "loop", as an application waits, by os.async and os.run: nothing
   * but the device wakes it where it sleeps. Default "poll".
   */
  readonly waits?: "poll" | "loop";
  /** How many times longer than on kernel sockets everything may take: an emulated machine, a stack with coarse timers. Default 1. */
  readonly timeScale?: number;
  /** A storage engine that is installed beside the backend. Default none: cases about two engines are skipped. */
  readonly storage?: string;
  /** What it is opened with, to keep what it keeps below a folder. Default `{ folder }`. */
  storageOptions?(folder: string): Record<string, unknown>;
  /** URL of an ES module whose export `target` is this target: what a Worker imports. Needed by {@link conformanceInWorker}. */
  readonly module?: string;
}

/** Close one direction of a connection, send a datagram of no bytes. */
export type PeerAbility = "halfClose" | "emptyDatagrams";

/** What a case may need: a feature, or something of the test bed. */
export type Need = keyof Features | PeerAbility | "hostPeer" | "loopback" | "module" | "storage";

function offers(target: ConformanceTarget, need: keyof Features | PeerAbility | "loopback"): boolean {
  if (need === "loopback") return target.address === undefined;
  if (need === "halfClose" || need === "emptyDatagrams") return !target.peersLack?.includes(need);
  if (need === "several") return target.features.several ?? true;
  if (need === "files") return target.features.files && target.features.logs !== true;
  if (need === "logs") return target.features.logs === true;
  return target.features[need];
}

/** The words in which a reason names what is missing. */
const named: Partial<Record<Need, string>> = {
  several: "several libOSes in one process",
  files: "files of bytes",
  halfClose: "peers that close one direction",
  emptyDatagrams: "peers that send empty datagrams",
  loopback: "the loopback address",
};

/** Why the target cannot run a case with these needs; undefined when it can. */
export function lacking(target: ConformanceTarget, needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    if (need === "hostPeer") {
      if (!target.hostPeer) return "the host's own sockets do not reach this backend";
    } else if (need === "module") {
      if (target.module === undefined) return "the target names no module for a Worker to import";
    } else if (need === "storage") {
      if (target.storage === undefined) return `${target.name} does not offer a storage engine beside it`;
    } else if (!offers(target, need)) {
      return `${target.name} does not offer ${named[need] ?? need}`;
    } else if (need === "ipv6" && target.families !== undefined && !target.families.includes(6)) {
      return "this machine has no IPv6";
    }
  }
  return undefined;
}
