/** What the runtime tells node:diagnostics_channel: nothing is made while nobody listens. */
import { channels } from "../diagnostics.js";
import { errorName } from "../errors.js";
import type { QueueDescriptor } from "../types.js";

export function publishError(libos: string, qd: QueueDescriptor, opcode: number, errno: number): void {
  if (channels.error.hasSubscribers) channels.error.publish({ libos, qd, opcode, errno, code: errorName(errno) });
}

export function publishAccept(libos: string, qd: QueueDescriptor, newQd: QueueDescriptor): void {
  if (channels.accept.hasSubscribers) channels.accept.publish({ libos, qd, newQd });
}

export function publishClose(libos: string, qd: QueueDescriptor): void {
  if (channels.close.hasSubscribers) channels.close.publish({ libos, qd });
}
