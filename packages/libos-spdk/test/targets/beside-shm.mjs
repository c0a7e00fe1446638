/** libos-rdma between processes, with logs as its storage. */
import { join } from "node:path";
import { target as shm } from "../../../libos-rdma/test/targets/shm.mjs";

export const target = {
  ...shm,
  name: "rdma/shm with spdk",
  storage: "spdk",
  storageOptions: (folder) => ({ device: `file:${join(folder, "device")},size=16MiB` }),
  open: (overrides) => shm.open({ from: import.meta.url, ...overrides }),
  module: import.meta.url,
};
