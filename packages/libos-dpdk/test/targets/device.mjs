/** What the backend's sockets are like on every device: lwIP's limits, in the words of the conformance suite. */
import dpdk from "@demikernel/libos-dpdk";

export const device = {
  features: dpdk.features,
  families: [4, 6],
  // The receive window has the size lwIP was built with, and one port is one socket's.
  socketOptions: ["nodelay", "keepalive", "linger", "reuseaddr", "sndbuf"],
  // A packet's length with all its headers fits into 16 bits: 40 bytes of them over IPv6, 8 of UDP.
  maxDatagram: (family) => (family === 4 ? 65_507 : 65_487),
};
