import diagnostics_channel from "node:diagnostics_channel";

/**
 * Channels of node:diagnostics_channel, for tracing without touching the application. Published only while somebody subscribes:
 * `demikernel:open` {libos, engine}, `demikernel:accept` {libos, qd, newQd}, `demikernel:close` {libos, qd}, `demikernel:error`
 * {libos, qd, opcode, errno, code}.
 */
export const channels = {
  open: diagnostics_channel.channel("demikernel:open"),
  accept: diagnostics_channel.channel("demikernel:accept"),
  close: diagnostics_channel.channel("demikernel:close"),
  error: diagnostics_channel.channel("demikernel:error"),
};
