/**
 * The conformance target of the guest: verbs over soft-RoCE. Connections go from rxe0 to itself or, with DEMI_RDMA_BED=mirror, from rxe3
 * over a wire and back to it; prepare-rxe.sh makes both.
 */
import { openLibOS } from "@demikernel/core";
import { device, limits } from "../targets/device.mjs";

const beds = {
  dummy: { 4: "10.9.0.1", 6: "fd09::1" },
  mirror: { 4: "10.9.2.1", 6: "fd09:2::1" },
};
const bed = process.env.DEMI_RDMA_BED ?? "dummy";
const addresses = beds[bed];

export const target = {
  name: `rdma/verbs on ${bed}`,
  ...device,
  // Emulated processors: five to ten times slower, and not by the same factor for everything.
  timeScale: 10,
  address: (family) => ({ host: addresses[family] }),
  // All receives are locked in memory at each open, which takes long on emulated processors: smaller ones than by default, but large
  // enough for the 1400 bytes of the suite's small messages. And no more than both ends of 256 connections need.
  open: (overrides) =>
    openLibOS({
      libos: "rdma",
      provider: "verbs",
      address: addresses[4],
      from: import.meta.url,
      ...limits(overrides),
      slot: 2048,
      credits: 52,
      receives: 28_672,
    }),
  module: import.meta.url,
};
