import { constants } from "node:os";
import { DemiError } from "../errors.js";
import type { QueueToken } from "../types.js";
import type { Runtime } from "./runtime.js";
import { newQdOf, qdOf, sgaOf } from "./tag.js";
import { Holder } from "./tokens.js";

const ECANCELED = -constants.errno.ECANCELED;

/** What became of an operation that was to be cancelled. */
const enum Cancelled {
  /** It is to end with ECANCELED. */
  YES,
  /** The device has begun: it completes by itself, some time. */
  NO,
  /** It has completed already: its completion is on its way. */
  COMPLETED,
}

/** The ways to give an operation up: cancel, abort, drop. */
export class Cancellation {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  cancel(qt: QueueToken): boolean {
    return this.#cancel(qt) === Cancelled.YES;
  }

  #cancel(qt: QueueToken): Cancelled {
    const runtime = this.#runtime;
    if (runtime.outstanding(qt, "cancel") === Holder.DONE) return Cancelled.COMPLETED;
    const derived = runtime.details.startTag(qt);
    let cancelled: Cancelled;
    if (derived !== 0) {
      cancelled = runtime.derived.get(qdOf(derived))?.cancel(qt) ? Cancelled.YES : this.#finishing(qt);
      if (cancelled === Cancelled.YES) runtime.finish(qt, ECANCELED, 0);
    } else {
      runtime.flush();
      const result = runtime.native.cancel(qt);
      cancelled = result === 1 ? Cancelled.YES : result === 0 ? Cancelled.NO : Cancelled.COMPLETED;
    }
    if (runtime.asleep) runtime.kick();
    return cancelled;
  }

  /** Of a derived queue's token that the queue does not take back: it has ended, or goes on. */
  #finishing(qt: QueueToken): Cancelled {
    return this.#runtime.finished.has(qt) ? Cancelled.COMPLETED : Cancelled.NO;
  }

  /**
   * Ends what a callback waits for. True: its completion is on its way, ECANCELED or what had happened before. False: the device has
   * begun and may take as long as it likes, so the callback is forgotten and the operation ends unheard; what it brings is given back.
   */
  abort(qt: QueueToken): boolean {
    if (this.#cancel(qt) !== Cancelled.NO) return true;
    const runtime = this.#runtime;
    // Not a reason for the process to stay, nor for the loop to turn.
    runtime.detach(qt);
    if (runtime.details.startTag(qt) !== 0) runtime.attach(qt, this.#discard);
    else this.drop(qt);
    return false;
  }

  drop(qt: QueueToken): void {
    const runtime = this.#runtime;
    const holder = runtime.outstanding(qt, "drop");
    if (holder === Holder.CALLBACK) {
      throw new DemiError("EBUSY", "drop", `a promise waits for token ${qt}: abort it by its signal`);
    }
    if (holder === Holder.DONE) {
      const { details } = runtime;
      runtime.release(qt);
      this.#discard(details.result(qt), details.value(qt), details.tag(qt));
      return;
    }
    const derived = runtime.details.startTag(qt) !== 0;
    if (!derived) runtime.flush();
    if (derived || runtime.native.drop(qt) < 0) {
      // Its completion is on the way: take it and free what it brings.
      runtime.attach(qt, this.#discard);
      if (derived) this.cancel(qt);
    } else {
      runtime.reclaimReturned();
    }
  }

  /** Frees what a completion brought that nobody wants. */
  readonly #discard = (_result: number, value: number, tag: number): void => {
    const runtime = this.#runtime;
    if (value === 0 || runtime.closed) return;
    const sga = sgaOf(tag, value);
    const newQd = newQdOf(tag, value);
    if (sga !== 0) runtime.free(sga);
    if (newQd !== 0) runtime.close(newQd);
  };
}
