/** The conformance target of the guest: verbs over soft-RoCE, connections from rxe0 to itself. */
import { openLibOS } from "@demikernel/core";
import { device, limits } from "../targets/device.mjs";

const addresses = { 4: "10.9.0.1", 6: "fd09::1" };

export const target = {
  name: "rdma/verbs",
  ...device,
  // Emulated processors: five to ten times slower, and not by the same factor for everything.
  timeScale: 10,
  address: (family) => ({ host: addresses[family] }),
  // All receives are locked in memory at each open, which takes long on emulated processors: smaller ones than by default, but large
  // enough for the 1400 bytes of the suite's small messages.
  open: (overrides) =>
    openLibOS({ libos: "rdma", provider: "verbs", slot: 2048, from: import.meta.url, ...limits(overrides) }),
  module: import.meta.url,
};
