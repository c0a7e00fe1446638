/** The DPDK backend's target of the guest, with logs on the controller that DEMI_NVME names. */
import { target as card } from "../../../libos-dpdk/test/guest/target.mjs";

export const target = {
  ...card,
  name: "dpdk/e1000e with nvme",
  storage: "spdk",
  storageOptions: () => ({ device: `nvme:${process.env.DEMI_NVME}` }),
  open: (overrides) => card.open({ from: import.meta.url, ...overrides }),
  module: import.meta.url,
};
