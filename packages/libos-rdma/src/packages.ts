/** The Debian packages behind this backend. Nothing else knows their names. */

/** What the addon needs at run time, on any machine. */
export const RUNTIME_PACKAGES = "libfabric1";

/** What RDMA devices need beside it (libfabric brings the drivers of libibverbs along): modules loaded at boot, names that last. */
export const VERBS_PACKAGES = "rdma-core iproute2";

/** What building the addon needs. */
export const BUILD_PACKAGES = "g++ make cmake pkg-config libfabric-dev";
