/** The RDMA backend's target of the guest, with logs on the controller that DEMI_NVME names. */
import { target as verbs } from "../../../libos-rdma/test/guest/target.mjs";

export const target = {
  ...verbs,
  name: "rdma/verbs with nvme",
  storage: "spdk",
  storageOptions: () => ({ device: `nvme:${process.env.DEMI_NVME}` }),
  open: (overrides) => verbs.open({ from: import.meta.url, ...overrides }),
  module: import.meta.url,
};
