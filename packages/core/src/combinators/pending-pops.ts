import { constants } from "node:os";
import type { Runtime } from "../runtime/runtime.js";
import type { QueueToken, Sga } from "../types.js";

const { EINVAL, EMSGSIZE } = constants.errno;

/** Pops of a derived queue that wait for an element, oldest first. */
export class PendingPops {
  readonly #runtime: Runtime;
  /** Limit by token; a Map keeps the order of insertion. */
  readonly #limits = new Map<QueueToken, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#limits.size;
  }

  /** The oldest pop's limit; undefined when none waits. */
  get limit(): number | undefined {
    return this.#limits.values().next().value;
  }

  add(qt: QueueToken, limit: number): void {
    this.#limits.set(qt, limit);
  }

  remove(qt: QueueToken): boolean {
    return this.#limits.delete(qt);
  }

  /** Hands the sga to the oldest pop. False when it is longer than that pop's limit: the pop ends with EMSGSIZE, the sga stays. */
  give(sga: Sga): boolean {
    const { arena } = this.#runtime;
    // Freed by an application's function that looked at it.
    if (!arena.owns(sga)) {
      this.finish(-EINVAL);
      return true;
    }
    const length = arena.length(sga);
    const limit = this.limit as number;
    if (limit !== 0 && length > limit) {
      this.finish(-EMSGSIZE);
      return false;
    }
    this.finish(length, sga);
    return true;
  }

  /** Ends the oldest pop, if one waits. */
  finish(result: number, sga: Sga | 0 = 0): void {
    const oldest = this.#limits.keys().next();
    if (oldest.done) return;
    this.#limits.delete(oldest.value);
    this.#runtime.finish(oldest.value, result, sga);
  }

  finishAll(result: number): void {
    while (this.#limits.size > 0) this.finish(result);
  }
}
