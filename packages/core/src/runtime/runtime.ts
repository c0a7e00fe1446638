import { constants } from "node:os";
import { channels } from "../diagnostics.js";
import { DemiError, errorName } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type { Address, Completion, CompletionHandler, QueueDescriptor, QueueToken, Sga, Stats } from "../types.js";
import { type NumericAddress, numericAddress, zoned } from "./address.js";
import { Arena } from "./arena.js";
import { Boundary } from "./boundary.js";
import type { DerivedQueue } from "./derived.js";
import { DoneList } from "./done.js";
import { type CompletionCallback, Holder, opcodeOf, qdOf, TokenTable, tagOf } from "./tokens.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const ACCEPT_TAG = Layout.OP_ACCEPT - 1;
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

/** The one object handed to run() and drain() handlers: rewritten for each completion. */
class CompletionEvent implements Completion {
  qt = 0;
  result = 0;
  value = 0;
  tag = 0;
  get opcode(): number {
    return opcodeOf(this.tag);
  }
  get qd(): number {
    return qdOf(this.tag);
  }
  get sga(): number {
    return opcodeOf(this.tag) === Layout.OP_POP ? this.value : 0;
  }
  get newQd(): number {
    return opcodeOf(this.tag) === Layout.OP_ACCEPT ? this.value : 0;
  }
}

/**
 * The JavaScript half of the queue runtime: starts operations, and gives each completion to whoever waits for it. Everything an
 * application calls, the promises and the combinators are built on this class.
 */
export class Runtime extends Boundary {
  readonly name: string;
  readonly tokens: TokenTable;
  readonly arena: Arena;
  readonly done: DoneList;
  closed = false;
  /** Closed or asleep: look before anything is submitted. One word, because the data path asks each time. */
  attention = 0;
  #asleep = false;
  /** Wakes or starts the driver; set by it. */
  kick: () => void = () => {};
  /** Callbacks waiting for a completion: the driver runs while there are any. */
  callbacks = 0;
  failedQuietPushes = 0;
  /** Completions that named no outstanding token. */
  stray = 0;
  readonly #derived = new Map<QueueDescriptor, DerivedQueue>();
  #nextDerived = 1;
  readonly #event = new CompletionEvent();
  /** Operations of derived queues that ended, four numbers each; those before #finishedAt have been told. */
  readonly #finished: number[] = [];
  #finishedAt = 0;
  /** Counts interrupt(): a dispatch that finds it changed gives out no more. */
  #interrupts = 0;
  readonly #reclaim = (qt: number): void => {
    if (this.tokens.holder(qt) !== Holder.NONE) this.#forget(qt);
  };

  constructor(name: string, native: NativeLibOS) {
    super(native);
    this.name = name;
    this.tokens = new TokenTable(this);
    this.done = new DoneList(this.tokens, this);
    this.arena = new Arena(native, this.words);
  }

  protected override reclaim(): void {
    this.poll(0);
  }

  /** The event loop driver sleeps: a submission must wake it. */
  get asleep(): boolean {
    return this.#asleep;
  }
  set asleep(asleep: boolean) {
    this.#asleep = asleep;
    this.attention = asleep || this.closed ? 1 : 0;
  }

  // ---- start operations --------------------------------------------------------------------------------------------

  push(qd: QueueDescriptor, sga: Sga, flags: number): QueueToken {
    if ((qd & Layout.DERIVED_QUEUE_BIT) !== 0) return this.#pushDerived(qd, sga, flags);
    // What is no number throws here, before it could take a token along.
    const given = sga | 0;
    let qt = 0;
    if ((flags & Layout.FLAG_QUIET) === 0) qt = this.#token("push");
    else if (this.attention !== 0) this.#attend("push");
    // Given away: not the application's any more, though the ring is not handed over yet.
    if ((flags & Layout.FLAG_FREE) !== 0) this.giveAway(given);
    this.submit(Layout.OP_PUSH | (flags << 8), qd, qt, given);
    return qt;
  }

  #pushDerived(qd: QueueDescriptor, sga: Sga, flags: number): QueueToken {
    const qt = this.#token("push");
    this.tokens.setStartTag(qt, tagOf(Layout.OP_PUSH, qd));
    const queue = this.#derivedQueue(qd, qt);
    if (queue !== undefined) queue.push(qt, sga, flags & ~Layout.FLAG_QUIET);
    else if ((flags & Layout.FLAG_FREE) !== 0 && this.arena.owns(sga)) this.free(sga);
    if ((flags & Layout.FLAG_QUIET) === 0) return qt;
    this.attach(qt, (result) => {
      if (result < 0) this.#failedQuietly(qd, result, undefined);
    });
    return 0;
  }

  pushTo(qd: QueueDescriptor, sga: Sga, to: Address | undefined, flags: number): QueueToken {
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

  pop(qd: QueueDescriptor, limit: number): QueueToken {
    if ((limit | 0) !== limit || limit < 0) {
      throw new DemiError("EINVAL", "pop", `limit is ${limit}, not 0 to ${0x7fffffff} bytes`, qd);
    }
    const derived = (qd & Layout.DERIVED_QUEUE_BIT) !== 0;
    const qt = this.#token("pop");
    if (derived) this.#popDerived(qd, qt, limit);
    else this.submit(Layout.OP_POP, qd, qt, limit);
    return qt;
  }

  #popDerived(qd: QueueDescriptor, qt: QueueToken, limit: number): void {
    this.tokens.setStartTag(qt, tagOf(Layout.OP_POP, qd));
    this.#derivedQueue(qd, qt)?.pop(qt, limit);
  }

  accept(qd: QueueDescriptor): QueueToken {
    const listener = qd | 0;
    const qt = this.#token("accept");
    this.submit(Layout.OP_ACCEPT, listener, qt, 0);
    return qt;
  }

  connect(qd: QueueDescriptor, to: Address): QueueToken {
    this.open("connect");
    const address = this.address(to, "connect", qd, 1);
    const qt = this.#token("connect");
    this.flush();
    const error = this.native.connect(qd, qt, zoned(address), address.port);
    if (error < 0) {
      this.release(qt);
      throw DemiError.from(error, "connect", qd, `${to.host}:${to.port}`);
    }
    return qt;
  }

  alloc(size: number | readonly number[]): Sga {
    this.open("alloc");
    if (typeof size === "number") {
      if (!Number.isInteger(size) || size < 0) throw new DemiError("EINVAL", "alloc", `size is ${size}, not bytes`);
      const sga = this.arena.alloc(size);
      if (sga !== 0) return sga;
    }
    if (typeof size !== "number" && !Array.isArray(size)) {
      throw new DemiError("EINVAL", "alloc", `size is ${typeof size}, not bytes or an array of them`);
    }
    return this.#allocChain(typeof size === "number" ? [size] : [...size]);
  }

  /** A chain, or one segment when the magazines ran out: frees that still sit in the submission ring may make room. */
  #allocChain(sizes: number[]): Sga {
    if (sizes.length < 1 || sizes.length > Layout.MAX_SEGMENTS) {
      throw new DemiError("EINVAL", "alloc", `${sizes.length} segments, not 1 to ${Layout.MAX_SEGMENTS}`);
    }
    for (const size of sizes) {
      if (!Number.isInteger(size) || size < 0) throw new DemiError("EINVAL", "alloc", `size is ${size}, not bytes`);
      if (size > this.arena.largest) {
        throw new DemiError("EMSGSIZE", "alloc", `${size} bytes, above the largest slot of ${this.arena.largest}`);
      }
    }
    this.flush();
    const sga = this.native.allocChain(sizes);
    if (sga === 0)
      throw new DemiError(
        "ENOBUFS",
        "alloc",
        'the arena has no free slot that fits (options "arena" and "traceMemory")',
      );
    return sga;
  }

  free(sga: Sga): void {
    this.open("free");
    this.arena.disown(sga, "free");
    this.submit(Layout.OP_FREE, 0, 0, sga);
    // Nothing completes, so nobody would be woken: a sleeping driver's queues may wait for this very slot.
    if (this.asleep) this.kick();
  }

  #token(syscall: string): QueueToken {
    if (this.attention !== 0) this.#attend(syscall);
    return this.take();
  }

  #attend(syscall: string): void {
    this.open(syscall);
    if (this.#asleep) this.kick();
  }

  open(syscall: string): void {
    if (this.closed) throw new DemiError("EBADF", syscall, "this libOS was destroyed");
  }

  // ---- completions ---------------------------------------------------------------------------------------------------

  /** Hands over the submissions and drives the device; waits in it up to `waitMicroseconds` when nothing is ready. */
  poll(waitMicroseconds: number): void {
    this.cross(this.#finished.length !== this.#finishedAt ? 0 : waitMicroseconds);
    this.takeReturned(this.#reclaim);
  }

  /** Hands over the submissions if there are any, so that a control call sees them done. */
  flush(): void {
    if (this.unsubmitted !== 0) this.poll(0);
  }

  /** Work that needs no device: completions to hand out. */
  get ready(): boolean {
    return this.#finished.length !== this.#finishedAt || this.unread || this.unsubmitted !== 0 || this.overflowing;
  }

  /**
   * Gives every completion there is to its waiter: callbacks are called; the application's go to `handler`, or, without one, are kept
   * until a wait picks them up. Returns how many there were. What a handler that throws, or is interrupted, has not been given stays
   * where it is, for the next dispatch.
   */
  dispatch(handler: CompletionHandler | undefined): number {
    const interrupts = this.#interrupts;
    let count = 0;
    if (handler !== undefined && !this.done.empty) count += this.#handOver(handler);
    if (this.#finished.length !== this.#finishedAt) count += this.#dispatchFinished(handler, interrupts);
    if (this.#interrupts !== interrupts) return count;
    const { words, table } = this;
    const event = this.#event;
    for (let at = this.next(); at >= 0; at = this.#interrupts === interrupts ? this.next() : -1) {
      const qt = words[at];
      const result = words[(at + Layout.CQE_RESULT) | 0];
      const value = words[(at + Layout.CQE_VALUE) | 0];
      const tag = words[(at + Layout.CQE_TAG) | 0];
      const entry = (table + (qt & INDEX_MASK)) | 0;
      count = (count + 1) | 0;
      // A push, a pop or a connect (their tags' top bits) of the application's that succeeded: the common case.
      if (
        handler !== undefined &&
        result >= 0 &&
        words[entry] === qt &&
        tag >>> Layout.TAG_OPCODE_SHIFT !== ACCEPT_TAG
      ) {
        words[entry] = 0;
        event.qt = qt;
        event.result = result;
        event.value = value;
        event.tag = tag;
        handler(event);
      } else {
        this.#deliver(qt, result, value, tag, handler);
      }
    }
    return count;
  }

  /** As the loop of dispatch(), for every case. */
  #deliver(qt: QueueToken, result: number, value: number, tag: number, handler: CompletionHandler | undefined): void {
    const { tokens } = this;
    if (qt === 0) {
      this.#failedQuietly(qdOf(tag), result, handler);
      return;
    }
    const holder = tokens.holder(qt);
    if (holder === Holder.NONE || holder === Holder.DONE) {
      this.stray++;
      return;
    }
    if (result < 0) this.#publish(tag, result);
    else if (opcodeOf(tag) === Layout.OP_ACCEPT) this.#publishAccept(tag, value);
    if (holder === Holder.CALLBACK) {
      const callback = this.#forget(qt) as CompletionCallback;
      callback(result, value, tag);
    } else if (handler === undefined) {
      tokens.complete(qt, result, value, tag);
      this.done.add(qt);
    } else {
      this.release(qt);
      this.#call(handler, qt, result, value, tag);
    }
  }

  #call(handler: CompletionHandler, qt: QueueToken, result: number, value: number, tag: number): void {
    const event = this.#event;
    event.qt = qt;
    event.result = result;
    event.value = value;
    event.tag = tag;
    handler(event);
  }

  /** A quiet push failed: its completion carries no token. A handler hears of it; else the error channel and a counter keep it. */
  #failedQuietly(qd: QueueDescriptor, errno: number, handler: CompletionHandler | undefined): void {
    this.failedQuietPushes++;
    if (channels.error.hasSubscribers) {
      channels.error.publish({ libos: this.name, qd, opcode: Layout.OP_PUSH, errno, code: errorName(errno) });
    }
    if (handler !== undefined) this.#call(handler, 0, errno, 0, tagOf(Layout.OP_PUSH, qd));
  }

  /** The handler that is being given completions gets no more of them: from within a handler or a callback. */
  interrupt(): void {
    this.#interrupts++;
  }

  /** Completions that came while nobody handled them. */
  #handOver(handler: CompletionHandler): number {
    const interrupts = this.#interrupts;
    let count = 0;
    while (this.#interrupts === interrupts) {
      const qt = this.done.take();
      if (qt === 0) break;
      const { tokens } = this;
      this.release(qt);
      count++;
      this.#call(handler, qt, tokens.result(qt), tokens.value(qt), tokens.tag(qt));
    }
    return count;
  }

  #dispatchFinished(handler: CompletionHandler | undefined, interrupts: number): number {
    const finished = this.#finished;
    // What finishes meanwhile is for the next dispatch.
    const end = finished.length;
    let count = 0;
    while (this.#finishedAt < Math.min(end, finished.length) && this.#interrupts === interrupts) {
      const at = this.#finishedAt;
      this.#finishedAt = at + 4;
      count++;
      this.#deliver(finished[at], finished[at + 1], finished[at + 2], finished[at + 3], handler);
    }
    if (this.#finishedAt === finished.length) {
      finished.length = 0;
      this.#finishedAt = 0;
    } else if (this.#finishedAt > finished.length >> 1) {
      finished.splice(0, this.#finishedAt);
      this.#finishedAt = 0;
    }
    return count;
  }

  #publish(tag: number, errno: number): void {
    if (!channels.error.hasSubscribers) return;
    const code = errorName(errno);
    channels.error.publish({ libos: this.name, qd: qdOf(tag), opcode: opcodeOf(tag), errno, code });
  }

  #publishAccept(tag: number, newQd: QueueDescriptor): void {
    if (channels.accept.hasSubscribers) channels.accept.publish({ libos: this.name, qd: qdOf(tag), newQd });
  }

  #forget(qt: QueueToken): CompletionCallback | undefined {
    let callback: CompletionCallback | undefined;
    if (this.tokens.holder(qt) === Holder.CALLBACK) {
      callback = this.tokens.detach(qt);
      this.callbacks--;
    }
    this.release(qt);
    return callback;
  }

  /** `callback` gets the token's completion instead of the application. The token must be outstanding and the application's. */
  attach(qt: QueueToken, callback: CompletionCallback): void {
    const { tokens } = this;
    const holder = tokens.holder(qt);
    if (holder === Holder.NONE || holder === Holder.CALLBACK) {
      throw new DemiError("EINVAL", "wait", `token ${qt} is not outstanding`);
    }
    if (holder === Holder.DONE) this.#finished.push(qt, tokens.result(qt), tokens.value(qt), tokens.tag(qt));
    tokens.attach(qt, callback);
    this.callbacks++;
    this.kick();
  }

  /** Takes a completion that waits to be picked up; the token ends. */
  pick(qt: QueueToken): Completion {
    const { tokens } = this;
    const tag = tokens.tag(qt);
    const opcode = opcodeOf(tag);
    const value = tokens.value(qt);
    this.release(qt);
    return {
      opcode,
      qd: qdOf(tag),
      qt,
      result: tokens.result(qt),
      sga: opcode === Layout.OP_POP ? value : 0,
      newQd: opcode === Layout.OP_ACCEPT ? value : 0,
    };
  }

  // ---- give up ---------------------------------------------------------------------------------------------------------

  cancel(qt: QueueToken): boolean {
    return this.#cancel(qt) === Cancelled.YES;
  }

  #cancel(qt: QueueToken): Cancelled {
    if (this.outstanding(qt, "cancel") === Holder.DONE) return Cancelled.COMPLETED;
    const derived = this.tokens.startTag(qt);
    let cancelled: Cancelled;
    if (derived !== 0) {
      cancelled = this.#derived.get(qdOf(derived))?.cancel(qt) ? Cancelled.YES : this.#finishing(qt);
      if (cancelled === Cancelled.YES) this.finish(qt, ECANCELED, 0);
    } else {
      this.flush();
      const result = this.native.cancel(qt);
      cancelled = result === 1 ? Cancelled.YES : result === 0 ? Cancelled.NO : Cancelled.COMPLETED;
    }
    if (this.#asleep) this.kick();
    return cancelled;
  }

  /** Of a derived queue's token that the queue does not take back: it has ended, or goes on. */
  #finishing(qt: QueueToken): Cancelled {
    for (let at = this.#finishedAt; at < this.#finished.length; at += 4) {
      if (this.#finished[at] === qt) return Cancelled.COMPLETED;
    }
    return Cancelled.NO;
  }

  /**
   * Ends what a callback waits for. True: its completion is on its way, ECANCELED or what had happened before. False: the device has
   * begun and may take as long as it likes, so the callback is forgotten and the operation ends unheard; what it brings is given back.
   */
  abort(qt: QueueToken): boolean {
    if (this.#cancel(qt) !== Cancelled.NO) return true;
    const { tokens } = this;
    tokens.detach(qt);
    if (tokens.startTag(qt) !== 0) {
      tokens.attach(qt, (_result, value, tag) => this.discard(tag, value));
    } else {
      // Not a reason for the process to stay, nor for the loop to turn.
      this.callbacks--;
      tokens.detached(qt);
      this.drop(qt);
    }
    return false;
  }

  drop(qt: QueueToken): void {
    const { tokens } = this;
    const holder = this.outstanding(qt, "drop");
    if (holder === Holder.CALLBACK) {
      throw new DemiError("EBUSY", "drop", `a promise waits for token ${qt}: abort it by its signal`);
    }
    if (holder === Holder.DONE) {
      this.release(qt);
      this.discard(tokens.tag(qt), tokens.value(qt));
      return;
    }
    const derived = this.tokens.startTag(qt) !== 0;
    if (!derived) this.flush();
    if (derived || this.native.drop(qt) < 0) {
      // Its completion is on the way: take it and free what it brings.
      this.attach(qt, (_result, value, tag) => this.discard(tag, value));
      if (derived) this.cancel(qt);
    } else {
      this.takeReturned(this.#reclaim);
    }
  }

  /** Frees what a completion brought that nobody wants. */
  discard(tag: number, value: number): void {
    if (value === 0 || this.closed) return;
    const opcode = opcodeOf(tag);
    if (opcode === Layout.OP_POP) this.free(value);
    else if (opcode === Layout.OP_ACCEPT) this.close(value);
  }

  close(qd: QueueDescriptor): void {
    this.open("close");
    if ((qd & Layout.DERIVED_QUEUE_BIT) !== 0) {
      const derived = this.#derived.get(qd);
      if (derived === undefined) throw new DemiError("EBADF", "close", undefined, qd);
      this.#derived.delete(qd);
      derived.close();
    } else {
      this.flush();
      const error = this.native.close(qd);
      if (error < 0) throw DemiError.from(error, "close", qd);
    }
    if (channels.close.hasSubscribers) channels.close.publish({ libos: this.name, qd });
    if (this.asleep) this.kick();
  }

  /** Who holds an outstanding token; throws EINVAL for any other. */
  outstanding(qt: QueueToken, syscall: string): Holder {
    this.open(syscall);
    const holder = this.tokens.holder(qt);
    if (holder === Holder.NONE) throw new DemiError("EINVAL", syscall, `token ${qt} is not outstanding`);
    return holder;
  }

  // ---- queues that live here -----------------------------------------------------------------------------------------

  /** Gives a combinator's queue a descriptor. */
  derive(queue: DerivedQueue): QueueDescriptor {
    this.open("queue");
    let qd: number;
    do {
      qd = Layout.DERIVED_QUEUE_BIT | (this.#nextDerived++ & (Layout.DERIVED_QUEUE_BIT - 1));
    } while (this.#derived.has(qd));
    this.#derived.set(qd, queue);
    return qd;
  }

  isDerivedOpen(qd: QueueDescriptor): boolean {
    return this.#derived.has(qd);
  }

  #derivedQueue(qd: QueueDescriptor, qt: QueueToken): DerivedQueue | undefined {
    const queue = this.#derived.get(qd);
    if (queue === undefined) this.finish(qt, -constants.errno.EBADF, 0);
    return queue;
  }

  /** Ends an operation of a derived queue; its waiter hears of it in the next dispatch. */
  finish(qt: QueueToken, result: number, value: number): void {
    this.#finished.push(qt, result, value, this.tokens.startTag(qt));
    if (this.asleep) this.kick();
  }

  stats(): Stats {
    // Not only what was submitted: the device gives memory back when it is polled.
    this.poll(0);
    const stats = this.native.stats() as Stats;
    return {
      ...stats,
      // The native side sees neither what sits in the magazines nor the queues that live here.
      appSlots: stats.appSlots - this.arena.cached,
      queues: stats.queues + this.#derived.size,
      outstanding: this.outstandingTokens,
      strayCompletions: this.stray,
      failedQuietPushes: this.failedQuietPushes,
    };
  }

  // ---- the end -----------------------------------------------------------------------------------------------------------

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.attention = 1;
    const waiting = this.tokens.waiting();
    this.#derived.clear();
    this.native.destroy();
    this.forgetCompletions();
    this.#finished.length = 0;
    this.#finishedAt = 0;
    this.interrupt();
    this.callbacks = 0;
    for (const callback of waiting) callback(ECANCELED, 0, 0);
  }
}
