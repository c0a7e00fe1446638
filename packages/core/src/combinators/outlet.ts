import { constants } from "node:os";
import type { Runtime } from "../runtime/runtime.js";
import type { QueueToken, Sga } from "../types.js";
import { PendingPops } from "./pending-pops.js";
import { release } from "./source.js";

/**
 * The popping side of a derived queue: pops that wait, or else elements that are there without one. Elements are left over only when a
 * pop of the source could not be called back in time, so there are never more of them than such pops.
 */
export class Outlet {
  readonly #runtime: Runtime;
  readonly #pops: PendingPops;
  #kept: Sga[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#pops = new PendingPops(runtime);
  }

  /** Elements that are wanted now. */
  get lacking(): number {
    return this.#pops.size;
  }

  /** The oldest waiting pop's limit; undefined when none waits. */
  get limit(): number | undefined {
    return this.#pops.limit;
  }

  pop(qt: QueueToken, limit: number): void {
    this.#pops.add(qt, limit);
    if (this.#kept.length > 0 && this.#pops.give(this.#kept[0])) this.#kept.shift();
  }

  put(sga: Sga): void {
    if (this.#pops.size === 0 || !this.#pops.give(sga)) this.#kept.push(sga);
  }

  remove(qt: QueueToken): boolean {
    return this.#pops.remove(qt);
  }

  /** Ends the oldest waiting pop, if there is one, without an element. */
  fail(result: number): void {
    this.#pops.finish(result);
  }

  failAll(result: number): void {
    this.#pops.finishAll(result);
  }

  close(): void {
    this.#pops.finishAll(-constants.errno.ECANCELED);
    for (const sga of this.#kept) release(this.#runtime, sga);
    this.#kept = [];
  }
}
