import { constants } from "node:os";
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type {
  AcceptCompletion,
  Address,
  ConnectCompletion,
  PopCompletion,
  PushCompletion,
  QueueDescriptor,
  QueueToken,
  Sga,
  Stats,
} from "../types.js";
import { type NumericAddress, numericAddress, zoned } from "./address.js";
import { allocate } from "./allocation.js";
import { Arena } from "./arena.js";
import { Cancellation } from "./cancellation.js";
import { type DerivedQueue, DerivedQueues, isDerived } from "./derived.js";
import { Dispatcher } from "./dispatch.js";
import { publishClose } from "./publish.js";
import { tagOf } from "./tag.js";

const EBADF = -constants.errno.EBADF;
const ECANCELED = -constants.errno.ECANCELED;

/**
 * The JavaScript half of the queue runtime: starts operations, gives out memory, ends queues. Everything an application calls, the promises
 * and the combinators are built on this class.
 */
export class Runtime extends Dispatcher {
  readonly arena: Arena;
  readonly derived = new DerivedQueues();
  readonly #cancellation = new Cancellation(this);

  constructor(name: string, native: NativeLibOS) {
    super(name, native);
    this.arena = new Arena(native, this.words);
  }

  // ---- start operations ----------------------------------------------------------------------------------------------

  push(qd: QueueDescriptor, sga: Sga, flags: number): QueueToken<PushCompletion> {
    if ((qd & Layout.DERIVED_QUEUE_BIT) !== 0) return this.#pushDerived(qd, sga, flags);
    // What is no number throws here, before it could take a token along.
    const given = sga | 0;
    let qt = 0 as QueueToken;
    if ((flags & Layout.FLAG_QUIET) === 0) qt = this.#token("push");
    else if (this.attention !== 0) this.#attend("push");
    // Given away: not the application's any more, though the ring is not handed over yet.
    if ((flags & Layout.FLAG_FREE) !== 0) this.giveAway(given);
    this.submit(Layout.OP_PUSH | (flags << 8), qd, qt, given);
    return qt as QueueToken<PushCompletion>;
  }

  #pushDerived(qd: QueueDescriptor, sga: Sga, flags: number): QueueToken<PushCompletion> {
    const qt = this.#token("push") as QueueToken<PushCompletion>;
    this.details.setStartTag(qt, tagOf(Layout.OP_PUSH, qd));
    const queue = this.#derivedQueue(qd, qt);
    if (queue !== undefined) queue.push(qt, sga, flags & ~Layout.FLAG_QUIET);
    else if ((flags & Layout.FLAG_FREE) !== 0 && this.arena.owns(sga)) this.free(sga);
    if ((flags & Layout.FLAG_QUIET) === 0) return qt;
    this.attach(qt, (result) => {
      if (result < 0) this.failedQuietly(qd, result, undefined);
    });
    return 0 as QueueToken<PushCompletion>;
  }

  pushTo(qd: QueueDescriptor, sga: Sga, to: Address | undefined, flags: number): QueueToken<PushCompletion> {
    this.open("pushTo");
    if (to !== undefined) this.arena.setAddress(sga, this.address(to, "pushTo", qd, 1));
    return this.push(qd, sga, flags | Layout.FLAG_TO);
  }

  /** `lowestPort`: 0 where the system may choose one. */
  address(to: Address, syscall: string, qd: QueueDescriptor, lowestPort: 0 | 1): NumericAddress {
    const familyOf = () => {
      this.flush();
      const name = this.native.name(qd, false);
      return typeof name !== "number" && name[2] === 6 ? 6 : 4;
    };
    return numericAddress(to, syscall, qd, { lowestPort, familyOf });
  }

  pop(qd: QueueDescriptor, limit: number): QueueToken<PopCompletion> {
    if ((limit | 0) !== limit || limit < 0) {
      throw new DemiError("EINVAL", "pop", `limit is ${limit}, not 0 to ${0x7fffffff} bytes`, qd);
    }
    const derived = (qd & Layout.DERIVED_QUEUE_BIT) !== 0;
    const qt = this.#token("pop") as QueueToken<PopCompletion>;
    if (derived) this.#popDerived(qd, qt, limit);
    else this.submit(Layout.OP_POP, qd, qt, limit);
    return qt;
  }

  #popDerived(qd: QueueDescriptor, qt: QueueToken, limit: number): void {
    this.details.setStartTag(qt, tagOf(Layout.OP_POP, qd));
    this.#derivedQueue(qd, qt)?.pop(qt, limit);
  }

  accept(qd: QueueDescriptor): QueueToken<AcceptCompletion> {
    const listener = qd | 0;
    const qt = this.#token("accept") as QueueToken<AcceptCompletion>;
    this.submit(Layout.OP_ACCEPT, listener, qt, 0);
    return qt;
  }

  connect(qd: QueueDescriptor, to: Address): QueueToken<ConnectCompletion> {
    this.open("connect");
    const address = this.address(to, "connect", qd, 1);
    const qt = this.#token("connect") as QueueToken<ConnectCompletion>;
    this.flush();
    const error = this.native.connect(qd, qt, zoned(address), address.port);
    if (error < 0) {
      this.release(qt);
      throw DemiError.from(error, "connect", qd, `${to.host}:${to.port}`);
    }
    return qt;
  }

  #token(syscall: string): QueueToken {
    if (this.attention !== 0) this.#attend(syscall);
    return this.take();
  }

  #attend(syscall: string): void {
    this.open(syscall);
    if (this.asleep) this.kick();
  }

  // ---- memory --------------------------------------------------------------------------------------------------------

  alloc(size: number | readonly number[]): Sga {
    this.open("alloc");
    if (typeof size === "number") {
      if (!Number.isInteger(size) || size < 0) throw new DemiError("EINVAL", "alloc", `size is ${size}, not bytes`);
      const sga = this.arena.alloc(size);
      if (sga !== 0) return sga;
    }
    return allocate(this, size);
  }

  free(sga: Sga): void {
    this.open("free");
    this.arena.disown(sga, "free");
    this.submit(Layout.OP_FREE, 0, 0, sga);
    // Nothing completes, so nobody would be woken: a sleeping driver's queues may wait for this very slot.
    if (this.asleep) this.kick();
  }

  // ---- give up -------------------------------------------------------------------------------------------------------

  cancel(qt: QueueToken): boolean {
    return this.#cancellation.cancel(qt);
  }

  /** As {@link Cancellation.abort}. */
  abort(qt: QueueToken): boolean {
    return this.#cancellation.abort(qt);
  }

  drop(qt: QueueToken): void {
    this.#cancellation.drop(qt);
  }

  close(qd: QueueDescriptor): void {
    this.open("close");
    if (isDerived(qd)) {
      const queue = this.derived.remove(qd);
      if (queue === undefined) throw new DemiError("EBADF", "close", undefined, qd);
      queue.close();
    } else {
      this.flush();
      const error = this.native.close(qd);
      if (error < 0) throw DemiError.from(error, "close", qd);
    }
    publishClose(this.name, qd);
    if (this.asleep) this.kick();
  }

  // ---- queues that live here -----------------------------------------------------------------------------------------

  /** Gives a combinator's queue a descriptor. */
  derive(queue: DerivedQueue): QueueDescriptor {
    this.open("queue");
    return this.derived.add(queue);
  }

  /** The queue of an operation that has just started; without one the operation ends with EBADF. */
  #derivedQueue(qd: QueueDescriptor, qt: QueueToken): DerivedQueue | undefined {
    const queue = this.derived.get(qd);
    if (queue === undefined) this.finish(qt, EBADF, 0);
    return queue;
  }

  // ---- introspection, end --------------------------------------------------------------------------------------------

  stats(): Stats {
    // Not only what was submitted: the device gives memory back when it is polled.
    this.poll(0);
    const stats = this.native.stats() as Stats;
    return {
      ...stats,
      // The native side sees neither what sits in the magazines nor the queues that live here.
      appSlots: stats.appSlots - this.arena.cached,
      queues: stats.queues + this.derived.size,
      outstanding: this.outstandingTokens,
      strayCompletions: this.stray,
      failedQuietPushes: this.failedQuietPushes,
    };
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.attention = 1;
    const waiting = this.details.callbacks;
    this.derived.clear();
    this.native.destroy();
    this.forgetCompletions();
    this.finished.clear();
    this.interrupt();
    this.callbacks = 0;
    for (const callback of waiting) callback(ECANCELED, 0, 0);
  }
}
