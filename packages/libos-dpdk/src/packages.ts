/** The Debian packages behind this backend. Nothing else knows their names. */

/** What the addon needs at run time: DPDK's network drivers and memory pools, which bring its libraries with them, and lwIP. */
export const RUNTIME_PACKAGES = "librte-meta-net librte-meta-mempool liblwip0";

/** What building the addon needs beside them. */
export const BUILD_PACKAGES = "g++ cmake pkg-config libdpdk-dev liblwip-dev";
