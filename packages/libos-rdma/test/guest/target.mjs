/** The conformance target of the guest: verbs over soft-RoCE. Connections go from rxe3 over a wire and back to it: prepare-rxe.sh --mirror. */
import { openLibOS } from "@demikernel/core";
import { device, limits } from "../targets/device.mjs";

const addresses = { 4: "10.9.2.1", 6: "fd09:2::1" };

export const target = {
  name: "rdma/verbs",
  ...device,
  // Emulated processors: five to ten times slower, and not by the same factor for everything.
  timeScale: 10,
  address: (family) => ({ host: addresses[family] }),
  // All receives are locked in memory at each open, which takes long on emulated processors: smaller ones than by default, but large
  // enough for the 1400 bytes of the suite's small messages, and fewer, because the completion queue has no room for more.
  open: (overrides) =>
    openLibOS({
      libos: "rdma",
      provider: "verbs",
      address: addresses[4],
      from: import.meta.url,
      slot: 2048,
      ...limits(overrides, 52),
    }),
  module: import.meta.url,
};
