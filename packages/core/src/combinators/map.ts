import { constants } from "node:os";
import { DemiError } from "../errors.js";
import type { DerivedQueue } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import { sgaOf } from "../runtime/tag.js";
import type { QueueDescriptor, QueueToken, Sga } from "../types.js";
import { ApplicationFunction } from "./application-function.js";
import { Pushes } from "./pushes.js";
import { checkFunction, checkSource, release } from "./source.js";

const { ECANCELED, EINVAL } = constants.errno;

export type MapFunction = (sga: Sga) => Sga;

/**
 * The elements of a queue with a function applied to each as it pops: one pop here is one pop of the source. A push goes to the source
 * as it is; who pops it from there gets it unchanged, who pops it here gets it mapped, once.
 */
export function map(runtime: Runtime, qd: QueueDescriptor, fn: MapFunction): QueueDescriptor {
  checkSource(runtime, qd, "map");
  checkFunction(fn, "map");
  return runtime.derive(new MapQueue(runtime, qd, fn));
}

class MapQueue implements DerivedQueue {
  readonly #runtime: Runtime;
  readonly #source: QueueDescriptor;
  readonly #fn: ApplicationFunction<[Sga], Sga>;
  readonly #pushes: Pushes;
  /** The source's pop for each pop of this queue. */
  readonly #pops = new Map<QueueToken, QueueToken>();

  constructor(runtime: Runtime, source: QueueDescriptor, fn: MapFunction) {
    this.#runtime = runtime;
    this.#source = source;
    this.#fn = new ApplicationFunction("map", fn);
    this.#pushes = new Pushes(runtime, source);
  }

  push(qt: QueueToken, sga: Sga, flags: number): void {
    this.#pushes.forward(qt, sga, flags);
  }

  pop(qt: QueueToken, limit: number): void {
    let inner: QueueToken;
    try {
      inner = this.#runtime.pop(this.#source, limit);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      this.#runtime.finish(qt, error.errno, 0);
      return;
    }
    this.#pops.set(qt, inner);
    this.#runtime.attach(inner, (result, value, tag) => {
      const sga = sgaOf(tag, value);
      // Closed or cancelled meanwhile: our pop has ended, and only its element is left to see to.
      if (this.#pops.get(qt) !== inner) {
        release(this.#runtime, sga);
        return;
      }
      this.#pops.delete(qt);
      if (sga === 0) this.#runtime.finish(qt, result, 0);
      else this.#apply(qt, sga);
    });
  }

  cancel(qt: QueueToken): boolean {
    const inner = this.#pops.get(qt);
    if (inner === undefined) return this.#pushes.cancel(qt);
    if (!this.#runtime.cancel(inner)) return false;
    this.#pops.delete(qt);
    return true;
  }

  close(): void {
    const pops = [...this.#pops];
    this.#pops.clear();
    for (const [qt, inner] of pops) {
      this.#runtime.cancel(inner);
      this.#runtime.finish(qt, -ECANCELED, 0);
    }
    this.#pushes.close();
  }

  #apply(qt: QueueToken, sga: Sga): void {
    const { arena } = this.#runtime;
    const mapped = this.#fn.try(sga);
    if (typeof mapped === "number" && arena.owns(mapped)) {
      this.#runtime.finish(qt, arena.length(mapped), mapped);
      return;
    }
    release(this.#runtime, sga);
    this.#runtime.finish(qt, -EINVAL, 0);
  }
}
