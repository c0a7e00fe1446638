import { constants } from "node:os";
import { DemiError } from "../errors.js";
import { isDerived } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import type { QueueDescriptor, Sga } from "../types.js";

const { errno } = constants;

// What goes wrong with one pop and leaves the queue as it was: the limit was too small, an application's function threw, tokens or
// memory were short, an ICMP error reached a datagram socket. After any other error a queue is taken to have nothing more to give.
const PASSING: ReadonlySet<number> = new Set(
  [
    errno.EMSGSIZE,
    errno.EINVAL,
    errno.EAGAIN,
    errno.ENOBUFS,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
  ].map((code) => -code),
);

/** Whether a pop's result says that later pops will find nothing either. */
export function isEnd(result: number): boolean {
  return !PASSING.has(result);
}

/** Throws EBADF unless `qd` is an open queue of this libOS. */
export function checkSource(runtime: Runtime, qd: QueueDescriptor, syscall: string): void {
  runtime.open(syscall);
  const valid = Number.isInteger(qd) && qd > 0 && qd <= 0x7fffffff;
  if (!valid || !isOpen(runtime, qd)) throw new DemiError("EBADF", syscall, undefined, valid ? qd : undefined);
}

function isOpen(runtime: Runtime, qd: QueueDescriptor): boolean {
  if (isDerived(qd)) return runtime.derived.get(qd) !== undefined;
  // Any control call tells; this one changes nothing.
  return runtime.native.name(qd, false) !== -errno.EBADF;
}

export function checkFunction(fn: unknown, syscall: string): void {
  if (typeof fn !== "function") throw new DemiError("EINVAL", syscall, "takes a function");
}

/** Frees an sga that nobody else has freed or given away. */
export function release(runtime: Runtime, sga: Sga): void {
  if (sga !== 0 && !runtime.closed && runtime.arena.owns(sga)) runtime.free(sga);
}
