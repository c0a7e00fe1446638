/** What the backend's sockets are like on every provider, in the words of the conformance suite. */
import rdma from "@demikernel/libos-rdma";

export const device = {
  features: rdma.features,
  // The kernel's sockets do not speak the messages of this backend.
  hostPeer: false,
  // The connection manager and both ends of every connection are in this very process: a busy machine slows all of them.
  timeScale: 3,
  // Buffers are the options slot, credits and receives; addresses and ports are the connection manager's.
  socketOptions: ["nodelay", "keepalive", "linger"],
};

/**
 * The suite pushes more than the 16 messages of the default before it pops the first, has both ends of 256 connections in the libOS that
 * its cases share, and pushes 4 MiB at once where it has not asked for a small arena.
 */
export const limits = (overrides, credits = 64) => ({
  credits,
  receives: (overrides === undefined ? 512 : 64) * (credits + 4),
  ...(overrides?.arena === undefined ? { maxMessage: 8 << 20 } : {}),
  ...overrides,
});
