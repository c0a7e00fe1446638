/** The Debian packages behind this backend. Nothing else knows their names. */
import type { AddonPackages } from "@demikernel/core/backend";

/** What the addon needs at run time, on any machine. */
export const RUNTIME_PACKAGES = "libfabric1";

export const packages: AddonPackages = {
  build: "g++ make cmake pkg-config libfabric-dev",
  runtime: RUNTIME_PACKAGES,
  madeFor: "it needs libfabric 1.17 or newer",
};
