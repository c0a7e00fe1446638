/** The conformance target of the guest: the libOS on the card that DEMI_PCI names, the guest's kernel at the other end of the wire. */
import { openLibOS } from "@demikernel/core";
import { libos, peer, prefix, silent } from "../bed/addresses.mjs";
import { device } from "../targets/device.mjs";

export const target = {
  name: "dpdk/e1000e",
  ...device,
  hostPeer: true,
  // Emulated processors: three to ten times slower, thirty in places; on one busy core, starting two Workers took 83 of 90 seconds with 10.
  timeScale: 15,
  address: (family) => ({ host: libos[family] }),
  peerAddress: (family) => ({ host: peer[family] }),
  silentAddress: (family) => ({ host: silent[family] }),
  open: (options) =>
    openLibOS({
      libos: "dpdk",
      device: process.env.DEMI_PCI,
      ipv4: prefix(libos, 4),
      ipv6: prefix(libos, 6),
      from: import.meta.url,
      ...options,
    }),
  module: import.meta.url,
};
