/** libos-posix with logs as its storage. */
import { join } from "node:path";
import { openLibOS } from "@demikernel/core";
import posix from "@demikernel/libos-posix";

export const target = {
  name: "posix with spdk",
  features: posix.features,
  families: [4],
  hostPeer: true,
  storage: "spdk",
  storageOptions: (folder) => ({ device: `file:${join(folder, "device")},size=16MiB` }),
  open: (options) => openLibOS({ libos: "posix", from: import.meta.url, ...options }),
  module: import.meta.url,
};
