/** What the suite is told about the backend under test. */
import type { Features } from "../backend.js";
import type { CoreOptions } from "../schema.js";
import type { LibOS } from "../types.js";

/** What a case asks of openLibOS() beside the target's own choice of backend: small limits, a loop mode. */
export type OpenOverrides = Partial<CoreOptions>;

export interface ConformanceTarget {
  /** Printed with every group: "posix/epoll". */
  readonly name: string;
  /** The manifest: what the backend says it can do. A group that needs more is reported as skipped, with the reason. */
  readonly features: Features;
  /** A fresh libOS. The suite destroys it. */
  open(overrides?: OpenOverrides): Promise<LibOS>;
  /** Where sockets bind. Default 127.0.0.1 and ::1. */
  address?(family: 4 | 6): { host: string };
  /** Address families this machine has. Default both. */
  readonly families?: readonly (4 | 6)[];
  /** True when the sockets of node:net and node:dgram in this process reach `address()`: a peer that is not ours. Default false. */
  readonly hostPeer?: boolean;
  /** URL of an ES module whose export `target` is this target: what a Worker imports. Needed by {@link conformanceInWorker}. */
  readonly module?: string;
}

/** What a case may need: a feature, or something of the test bed. */
export type Need = keyof Features | "hostPeer" | "module";

/** Why the target cannot run a case with these needs; undefined when it can. */
export function lacking(target: ConformanceTarget, needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    if (need === "hostPeer") {
      if (!target.hostPeer) return "the host's own sockets do not reach this backend";
    } else if (need === "module") {
      if (target.module === undefined) return "the target names no module for a Worker to import";
    } else if (!target.features[need]) {
      return `${target.name} does not offer ${need}`;
    } else if (need === "ipv6" && target.families !== undefined && !target.families.includes(6)) {
      return "this machine has no IPv6";
    }
  }
  return undefined;
}
