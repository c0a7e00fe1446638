/** Targets over the bed's veth: the libOS on dk0, the kernel's sockets of this very process behind dk1. */
import { openLibOS } from "@demikernel/core";
import { libos, peer, prefix, silent } from "../bed/addresses.mjs";
import { device } from "./device.mjs";

/** Options of a libOS on dk0. */
export const onVeth = (driver) => ({
  libos: "dpdk",
  device: `net_${driver}0,iface=dk0`,
  ipv4: prefix(libos, 4),
  ipv6: prefix(libos, 6),
  from: import.meta.url,
});

export function vethTarget(driver, module) {
  return {
    name: `dpdk/${driver}`,
    ...device,
    hostPeer: true,
    socketOptions: ["nodelay", "keepalive", "linger", "reuseaddr", "sndbuf"],
    address: (family) => ({ host: libos[family] }),
    peerAddress: (family) => ({ host: peer[family] }),
    silentAddress: (family) => ({ host: silent[family] }),
    open: (options) => openLibOS({ ...onVeth(driver), ...options }),
    module,
  };
}
