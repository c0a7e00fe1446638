/** What the backend's sockets are like on every provider, in the words of the conformance suite. */
import rdma from "@demikernel/libos-rdma";

export const device = {
  features: rdma.features,
  // The kernel's sockets do not speak the messages of this backend.
  hostPeer: false,
  // Buffers are the options slot, credits and receives; addresses and ports are the connection manager's.
  socketOptions: ["nodelay", "keepalive", "linger"],
};
