import { constants } from "node:os";
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { DerivedQueue } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import { tagOf } from "../runtime/tag.js";
import type { QueueDescriptor, QueueOptions, QueueToken, Sga } from "../types.js";
import { ApplicationFunction, FAILED } from "./application-function.js";
import { Intake } from "./intake.js";
import { PendingPops } from "./pending-pops.js";
import { Pushes } from "./pushes.js";
import { SortedBuffer } from "./sorted-buffer.js";
import { checkFunction, checkSource, isEnd, release } from "./source.js";

const { ECANCELED, EINVAL } = constants.errno;

export type Comparator = (a: Sga, b: Sga) => number;

const DEFAULT_CAPACITY = 64;
const LARGEST_CAPACITY = 65536;
/** Most pops going on the source at a time. */
const WINDOW = 16;
/** Turns of the libOS without a new element after which the source is taken to have no more: one for a queue between to pass it on. */
const QUIET_TURNS = 2;

/**
 * The elements of a queue in a comparator's order. When a pop waits, the source is popped until it has no more for the moment or
 * `capacity` elements are here; then the first of these in order pops, of equal ones the oldest. What is left stays for later pops, and
 * is freed by close. A push goes to the source.
 *
 * When the source has ended, the elements that are here still pop; after that every pop ends as the source did.
 */
export function sort(
  runtime: Runtime,
  qd: QueueDescriptor,
  compare: Comparator,
  options: QueueOptions = {},
): QueueDescriptor {
  checkSource(runtime, qd, "sort");
  checkFunction(compare, "sort");
  const { capacity = DEFAULT_CAPACITY } = options ?? {};
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > LARGEST_CAPACITY) {
    throw new DemiError("EINVAL", "sort", `capacity is ${capacity}, not 1 to ${LARGEST_CAPACITY}`);
  }
  const queue = new SortQueue(runtime, qd, compare, capacity);
  return runtime.derive(queue);
}

class SortQueue implements DerivedQueue {
  readonly #runtime: Runtime;
  readonly #compare: ApplicationFunction<[Sga, Sga], number>;
  readonly #capacity: number;
  readonly #intake: Intake;
  readonly #pops: PendingPops;
  readonly #pushes: Pushes;
  readonly #buffer = new SortedBuffer<Sga>();
  /** How the source ended; undefined while it has not. */
  #end: number | undefined;
  #closed = false;
  #waitsForMore = false;
  #quietTurns = 0;

  constructor(runtime: Runtime, source: QueueDescriptor, compare: Comparator, capacity: number) {
    this.#runtime = runtime;
    this.#compare = new ApplicationFunction("sort", compare);
    this.#capacity = capacity;
    this.#intake = new Intake(runtime, source, (result, sga) => this.#arrived(result, sga));
    this.#pops = new PendingPops(runtime);
    this.#pushes = new Pushes(runtime, source);
  }

  push(qt: QueueToken, sga: Sga, flags: number): void {
    this.#pushes.forward(qt, sga, flags);
  }

  pop(qt: QueueToken, limit: number): void {
    this.#pops.add(qt, limit);
    this.#fill();
    this.#deliverSoon();
  }

  cancel(qt: QueueToken): boolean {
    if (!this.#pops.remove(qt)) return this.#pushes.cancel(qt);
    this.#fill();
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#intake.keep(0);
    this.#pops.finishAll(-ECANCELED);
    this.#pushes.close();
    for (const sga of this.#buffer.clear()) release(this.#runtime, sga);
  }

  /** Pops the source while somebody waits and there is room. */
  #fill(): void {
    if (this.#pops.size === 0) {
      this.#intake.keep(0);
      return;
    }
    const room = this.#capacity - this.#buffer.size;
    while (this.#end === undefined && this.#intake.inFlight < Math.min(WINDOW, room)) {
      const error = this.#intake.start(0);
      if (error === 0) continue;
      // With nothing here and nothing to come, somebody must be told.
      if (this.#buffer.size === 0 && this.#intake.inFlight === 0) this.#pops.finish(error);
      break;
    }
    if (this.#end !== undefined && this.#buffer.size === 0) this.#pops.finishAll(this.#end);
  }

  #arrived(result: number, sga: Sga): void {
    if (this.#closed) {
      release(this.#runtime, sga);
      return;
    }
    if (sga !== 0) this.#insert(sga);
    else if (!isEnd(result)) this.#pops.finish(result);
    else this.#end ??= result;
    if (this.#closed) return;
    this.#quietTurns = 0;
    this.#fill();
    this.#deliverSoon();
  }

  #insert(sga: Sga): void {
    try {
      this.#buffer.insert(sga, (a, b) => {
        const order = this.#compare.try(a, b);
        // The comparator may have closed this queue.
        if (order === FAILED || this.#closed) throw FAILED;
        return order;
      });
    } catch (error) {
      if (error !== FAILED) throw error;
      release(this.#runtime, sga);
      this.#pops.finish(-EINVAL);
    }
  }

  /** Delivers once the source brings nothing new, or there is room for no more. */
  #deliverSoon(): void {
    if (this.#waitsForMore || this.#buffer.size === 0 || this.#pops.size === 0) return;
    this.#quietTurns = 0;
    this.#nextTurn();
  }

  // A token that ends at once: its completion comes with the libOS's next turn.
  #nextTurn(): void {
    this.#waitsForMore = true;
    let qt: QueueToken;
    try {
      qt = this.#runtime.take();
      this.#runtime.details.setStartTag(qt, tagOf(Layout.OP_POP, Layout.DERIVED_QUEUE_BIT));
    } catch {
      // No token to wait with.
      this.#deliver();
      return;
    }
    this.#runtime.attach(qt, () => {
      if (this.#closed) return;
      const full = this.#buffer.size >= this.#capacity || this.#end !== undefined;
      if (full || ++this.#quietTurns >= QUIET_TURNS) this.#deliver();
      else this.#nextTurn();
    });
    this.#runtime.finish(qt, 0, 0);
  }

  #deliver(): void {
    this.#waitsForMore = false;
    while (this.#pops.size > 0 && this.#buffer.size > 0) {
      if (this.#pops.give(this.#buffer.first as Sga)) this.#buffer.takeFirst();
    }
    this.#fill();
  }
}
