import { DemiError } from "../errors.js";
import type { Runtime } from "../runtime/runtime.js";
import { sgaOf } from "../runtime/tag.js";
import type { QueueDescriptor, QueueToken, Sga } from "../types.js";

/** What a pop of the source brought: `sga` 0 is the end of the stream (result 0) or an error (a negative errno). */
export type Arrival = (result: number, sga: Sga, limit: number) => void;

interface Pop {
  qt: QueueToken;
  limit: number;
  /** Nobody wants it any more; should it bring an element all the same, that is still handed on. */
  cancelled: boolean;
}

/** The pops a derived queue has going on one of its sources. */
export class Intake {
  readonly #runtime: Runtime;
  readonly #source: QueueDescriptor;
  readonly #arrived: Arrival;
  /** Oldest first. */
  readonly #pops: Pop[] = [];
  #cancelled = 0;

  constructor(runtime: Runtime, source: QueueDescriptor, arrived: Arrival) {
    this.#runtime = runtime;
    this.#source = source;
    this.#arrived = arrived;
  }

  /** Pops that may still bring an element. */
  get inFlight(): number {
    return this.#pops.length;
  }

  /** Of these, the ones that are wanted. */
  get wanted(): number {
    return this.#pops.length - this.#cancelled;
  }

  /** Starts a pop. Returns 0, or the negative errno that kept it from starting. */
  start(limit: number): number {
    let qt: QueueToken;
    try {
      qt = this.#runtime.pop(this.#source, limit);
    } catch (error) {
      if (error instanceof DemiError) return error.errno;
      throw error;
    }
    const pop: Pop = { qt, limit, cancelled: false };
    this.#runtime.attach(qt, (result, value, tag) => this.#done(pop, result, sgaOf(tag, value)));
    this.#pops.push(pop);
    return 0;
  }

  /** Calls back the newest pops until at most `count` are wanted. */
  keep(count: number): void {
    if (this.#runtime.closed) return;
    for (let i = this.#pops.length - 1; i >= 0 && this.wanted > count; i--) {
      const pop = this.#pops[i];
      if (pop.cancelled) continue;
      pop.cancelled = true;
      if (this.#runtime.cancel(pop.qt)) this.#pops.splice(i, 1);
      else this.#cancelled++;
    }
  }

  #done(pop: Pop, result: number, sga: Sga): void {
    const at = this.#pops.indexOf(pop);
    if (at >= 0) {
      this.#pops.splice(at, 1);
      if (pop.cancelled) this.#cancelled--;
    }
    if (sga !== 0 || !pop.cancelled) this.#arrived(result, sga, pop.limit);
  }
}
