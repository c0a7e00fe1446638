/** The Debian packages behind this backend. Nothing else knows their names. */
import type { AddonPackages } from "@demikernel/core/backend";

/** What the addon needs at run time: DPDK's network drivers and memory pools, which bring its libraries with them, and lwIP. */
export const RUNTIME_PACKAGES = "librte-meta-net librte-meta-mempool liblwip0";

export const packages: AddonPackages = {
  build: "g++ make cmake pkg-config libdpdk-dev liblwip-dev",
  runtime: RUNTIME_PACKAGES,
  madeFor: "it is made for the DPDK and lwIP of Debian 12",
};
