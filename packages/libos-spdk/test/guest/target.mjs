/** The conformance target of the guest: logs on the NVMe controller that DEMI_NVME names. */
import spdk from "@demikernel/libos-spdk";
import { openNvme } from "./nvme.mjs";

export const target = {
  name: `spdk/${process.env.DEMI_NVME_BY ?? "nvme"}/${process.env.DEMI_NVME_DRIVER}`,
  features: spdk.features,
  // Emulated processors: three to ten times slower.
  timeScale: 15,
  open: (overrides) => openNvme(process.env.DEMI_NVME, overrides),
  module: import.meta.url,
};
