/** The Debian packages behind this backend. Nothing else knows their names. */
import type { AddonPackages } from "@demikernel/core/backend";

/** At run time the addon needs nothing beside the C library: liburing is linked into it. */
export const packages: AddonPackages = { build: "g++ make cmake liburing-dev" };
