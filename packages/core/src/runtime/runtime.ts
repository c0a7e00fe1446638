import { constants } from "node:os";
import { channels } from "../diagnostics.js";
import { DemiError, errorName } from "../errors.js";
import * as layout from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type { Address, Completion, CompletionHandler, QueueDescriptor, QueueToken, Sga, Stats } from "../types.js";
import { Arena } from "./arena.js";
import type { DerivedQueue } from "./derived.js";
import { DoneList } from "./done.js";
import { Rings } from "./rings.js";
import { type CompletionCallback, HOLDER_APP, HOLDER_CALLBACK, HOLDER_DONE, TokenTable } from "./tokens.js";

const { OP_PUSH, OP_POP, OP_ACCEPT, OP_CONNECT, OP_FREE, FLAG_FREE, FLAG_TO, DERIVED_QUEUE_BIT } = layout;
const ECANCELED = -constants.errno.ECANCELED;

/** The one object handed to run() and drain() handlers: rewritten for each completion. */
class CompletionEvent implements Completion {
  opcode = 0;
  qd = 0;
  qt = 0;
  result = 0;
  sga = 0;
  newQd = 0;
}

/**
 * The JavaScript half of the queue runtime: starts operations, and gives each completion to whoever waits for it. Everything an
 * application calls, the promises and the combinators are built on this class.
 */
export class Runtime {
  readonly name: string;
  readonly native: NativeLibOS;
  readonly rings: Rings;
  readonly tokens: TokenTable;
  readonly arena: Arena;
  readonly done: DoneList;
  closed = false;
  /** The event loop driver sleeps: a submission must wake it. */
  asleep = false;
  /** Wakes or starts the driver; set by it. */
  kick: () => void = () => {};
  /** Callbacks waiting for a completion: the driver runs while there are any. */
  callbacks = 0;
  /** Completions that named no outstanding token. */
  stray = 0;
  readonly #derived = new Map<QueueDescriptor, DerivedQueue>();
  #nextDerived = 1;
  readonly #event = new CompletionEvent();
  #finished: number[] = [];
  readonly #reclaim = (qt: number): void => {
    const index = this.tokens.index(qt);
    if (index >= 0) this.#forget(index);
  };

  constructor(name: string, native: NativeLibOS, tokens: number) {
    this.name = name;
    this.native = native;
    this.rings = new Rings(native);
    this.tokens = new TokenTable(tokens);
    this.done = new DoneList(this.tokens);
    this.arena = new Arena(native, this.rings.words);
  }

  // ---- start operations --------------------------------------------------------------------------------------------

  push(qd: QueueDescriptor, sga: Sga, flags: number): QueueToken {
    const qt = this.#token(OP_PUSH, qd, "push");
    if ((qd & DERIVED_QUEUE_BIT) !== 0) {
      this.#derivedQueue(qd, qt)?.push(qt, sga, flags);
      return qt;
    }
    // Given away: not the application's any more, though the ring is not handed over yet.
    if ((flags & FLAG_FREE) !== 0 && this.arena.owns(sga)) this.arena.disown(sga, "push");
    this.rings.submit(OP_PUSH | (flags << 8), qd, qt, sga);
    return qt;
  }

  pushTo(qd: QueueDescriptor, sga: Sga, to: Address | undefined, flags: number): QueueToken {
    this.open("pushTo");
    if (to !== undefined) this.arena.setAddress(sga, to);
    return this.push(qd, sga, flags | FLAG_TO);
  }

  pop(qd: QueueDescriptor, limit: number): QueueToken {
    const qt = this.#token(OP_POP, qd, "pop");
    if ((qd & DERIVED_QUEUE_BIT) !== 0) this.#derivedQueue(qd, qt)?.pop(qt, limit);
    else this.rings.submit(OP_POP, qd, qt, limit);
    return qt;
  }

  accept(qd: QueueDescriptor): QueueToken {
    const qt = this.#token(OP_ACCEPT, qd, "accept");
    this.rings.submit(OP_ACCEPT, qd, qt, 0);
    return qt;
  }

  connect(qd: QueueDescriptor, host: string, port: number): QueueToken {
    const qt = this.#token(OP_CONNECT, qd, "connect");
    this.flush();
    const error = this.native.connect(qd, qt, host, port);
    if (error < 0) {
      this.tokens.release(this.tokens.index(qt));
      throw DemiError.from(error, "connect", qd, `${host}:${port}`);
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
    return this.#allocChain(typeof size === "number" ? [size] : [...size]);
  }

  /** A chain, or one segment when the magazines ran out: frees that still sit in the submission ring may make room. */
  #allocChain(sizes: number[]): Sga {
    if (sizes.length < 1 || sizes.length > layout.MAX_SEGMENTS) {
      throw new DemiError("EINVAL", "alloc", `${sizes.length} segments, not 1 to ${layout.MAX_SEGMENTS}`);
    }
    for (const size of sizes) {
      if (!Number.isInteger(size) || size < 0) throw new DemiError("EINVAL", "alloc", `size is ${size}, not bytes`);
      if (size > this.arena.largest) {
        throw new DemiError("EMSGSIZE", "alloc", `${size} bytes, above the largest slot of ${this.arena.largest}`);
      }
    }
    this.flush();
    const sga = this.native.allocChain(sizes);
    if (sga === 0) throw new DemiError("ENOBUFS", "alloc", 'the arena has no free slot that fits (option "arena")');
    return sga;
  }

  free(sga: Sga): void {
    this.open("free");
    this.arena.disown(sga, "free");
    this.rings.submit(OP_FREE, 0, 0, sga);
    // Nothing completes, so nobody would be woken: a sleeping driver's queues may wait for this very slot.
    if (this.asleep) this.kick();
  }

  #token(opcode: number, qd: QueueDescriptor, syscall: string): QueueToken {
    this.open(syscall);
    if (this.tokens.exhausted) this.flush();
    if (this.asleep) this.kick();
    return this.tokens.take(opcode, qd);
  }

  open(syscall: string): void {
    if (this.closed) throw new DemiError("EBADF", syscall, "this libOS was destroyed");
  }

  // ---- completions ---------------------------------------------------------------------------------------------------

  /** Hands over the submissions and drives the device; waits in it up to `waitMicroseconds` when nothing is ready. */
  poll(waitMicroseconds: number): void {
    this.rings.poll(this.#finished.length !== 0 ? 0 : waitMicroseconds);
    this.rings.quiet(this.#reclaim);
  }

  /** Hands over the submissions if there are any, so that a control call sees them done. */
  flush(): void {
    if (this.rings.unsubmitted !== 0 || this.tokens.exhausted) this.poll(0);
  }

  /** Work that needs no device: completions to hand out. */
  get ready(): boolean {
    return this.#finished.length !== 0 || this.rings.unsubmitted !== 0 || this.rings.more;
  }

  /**
   * Gives every completion there is to its waiter: callbacks are called; the application's go to `handler`, or, without one, are kept
   * until a wait picks them up. Returns how many there were.
   */
  dispatch(handler: CompletionHandler | undefined): number {
    let count = 0;
    if (handler !== undefined) count += this.#handOver(handler);
    if (this.#finished.length !== 0) count += this.#dispatchFinished(handler);
    const rings = this.rings;
    const words = rings.words;
    for (let at = rings.next(); at >= 0; at = rings.next()) {
      this.#deliver(words[at + layout.CQE_QT], words[at + layout.CQE_RESULT], words[at + layout.CQE_VALUE], handler);
      count++;
    }
    return count;
  }

  #deliver(qt: QueueToken, result: number, value: number, handler: CompletionHandler | undefined): void {
    const tokens = this.tokens;
    const index = tokens.index(qt);
    if (index < 0) {
      this.stray++;
      return;
    }
    const opcode = tokens.opcodes[index];
    if (result < 0 || opcode === OP_ACCEPT) this.#publish(index, result, value);
    const holder = tokens.holders[index];
    if (holder === HOLDER_APP) {
      if (handler === undefined) {
        tokens.holders[index] = HOLDER_DONE;
        tokens.results[index] = result;
        tokens.values[index] = value;
        this.done.add(qt);
        return;
      }
      this.#call(handler, index, qt, result, value);
    } else if (holder === HOLDER_CALLBACK) {
      const callback = tokens.callbacks[index] as CompletionCallback;
      this.#forget(index);
      callback(result, value);
    } else {
      this.stray++;
    }
  }

  #call(handler: CompletionHandler, index: number, qt: QueueToken, result: number, value: number): void {
    const event = this.#event;
    const opcode = this.tokens.opcodes[index];
    event.opcode = opcode;
    event.qd = this.tokens.qds[index];
    event.qt = qt;
    event.result = result;
    event.sga = opcode === OP_POP ? value : 0;
    event.newQd = opcode === OP_ACCEPT ? value : 0;
    this.tokens.release(index);
    handler(event);
  }

  /** Completions that came while nobody handled them. */
  #handOver(handler: CompletionHandler): number {
    let count = 0;
    for (let qt = this.done.take(); qt !== 0; qt = this.done.take()) {
      const index = this.tokens.index(qt);
      this.#call(handler, index, qt, this.tokens.results[index], this.tokens.values[index]);
      count++;
    }
    return count;
  }

  #dispatchFinished(handler: CompletionHandler | undefined): number {
    const finished = this.#finished;
    this.#finished = [];
    for (let i = 0; i < finished.length; i += 3) this.#deliver(finished[i], finished[i + 1], finished[i + 2], handler);
    return finished.length / 3;
  }

  #publish(index: number, result: number, value: number): void {
    const qd = this.tokens.qds[index];
    if (result >= 0) {
      if (channels.accept.hasSubscribers) channels.accept.publish({ libos: this.name, qd, newQd: value });
    } else if (channels.error.hasSubscribers) {
      const opcode = this.tokens.opcodes[index];
      channels.error.publish({ libos: this.name, qd, opcode, errno: result, code: errorName(result) });
    }
  }

  #forget(index: number): void {
    if (this.tokens.holders[index] === HOLDER_CALLBACK) {
      this.tokens.callbacks[index] = undefined;
      this.callbacks--;
    }
    this.tokens.release(index);
  }

  /** `callback` gets the token's completion instead of the application. The token must be outstanding and the application's. */
  attach(qt: QueueToken, callback: CompletionCallback): void {
    const index = this.tokens.index(qt);
    if (index < 0 || this.tokens.holders[index] === HOLDER_CALLBACK) {
      throw new DemiError("EINVAL", "wait", `token ${qt} is not outstanding`);
    }
    if (this.tokens.holders[index] === HOLDER_DONE) {
      this.#finished.push(qt, this.tokens.results[index], this.tokens.values[index]);
    }
    this.tokens.holders[index] = HOLDER_CALLBACK;
    this.tokens.callbacks[index] = callback;
    this.callbacks++;
    this.kick();
  }

  /** Takes a completion that waits to be picked up; the token ends. */
  pick(index: number, qt: QueueToken): Completion {
    const { opcodes, qds, results, values } = this.tokens;
    const opcode = opcodes[index];
    const completion = {
      opcode,
      qd: qds[index],
      qt,
      result: results[index],
      sga: opcode === OP_POP ? values[index] : 0,
      newQd: opcode === OP_ACCEPT ? values[index] : 0,
    };
    this.tokens.release(index);
    return completion;
  }

  // ---- give up ---------------------------------------------------------------------------------------------------------

  cancel(qt: QueueToken): boolean {
    const index = this.#outstanding(qt, "cancel");
    if (this.tokens.holders[index] === HOLDER_DONE) return false;
    const qd = this.tokens.qds[index];
    let cancelled: boolean;
    if ((qd & DERIVED_QUEUE_BIT) !== 0) {
      cancelled = this.#derived.get(qd)?.cancel(qt) ?? false;
      if (cancelled) this.finish(qt, ECANCELED, 0);
    } else {
      this.flush();
      cancelled = this.native.cancel(qt) === 1;
    }
    if (this.asleep) this.kick();
    return cancelled;
  }

  drop(qt: QueueToken): void {
    const index = this.#outstanding(qt, "drop");
    const opcode = this.tokens.opcodes[index];
    if (this.tokens.holders[index] === HOLDER_DONE) {
      const value = this.tokens.values[index];
      this.tokens.release(index);
      this.discard(opcode, value);
      return;
    }
    const derived = (this.tokens.qds[index] & DERIVED_QUEUE_BIT) !== 0;
    if (!derived) this.flush();
    if (derived || this.native.drop(qt) < 0) {
      // Its completion is on the way: take it and free what it brings.
      this.attach(qt, (_result, value) => this.discard(opcode, value));
      if (derived) this.cancel(qt);
    } else {
      this.rings.quiet(this.#reclaim);
    }
  }

  /** Frees what a completion brought that nobody wants. */
  discard(opcode: number, value: number): void {
    if (value === 0 || this.closed) return;
    if (opcode === OP_POP) this.free(value);
    else if (opcode === OP_ACCEPT) this.close(value);
  }

  close(qd: QueueDescriptor): void {
    this.open("close");
    if ((qd & DERIVED_QUEUE_BIT) !== 0) {
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

  #outstanding(qt: QueueToken, syscall: string): number {
    this.open(syscall);
    const index = this.tokens.index(qt);
    if (index < 0) throw new DemiError("EINVAL", syscall, `token ${qt} is not outstanding`);
    return index;
  }

  // ---- queues that live here -----------------------------------------------------------------------------------------

  /** Gives a combinator's queue a descriptor. */
  derive(queue: DerivedQueue): QueueDescriptor {
    this.open("queue");
    let qd: number;
    do {
      qd = DERIVED_QUEUE_BIT | (this.#nextDerived++ & (DERIVED_QUEUE_BIT - 1));
    } while (this.#derived.has(qd));
    this.#derived.set(qd, queue);
    return qd;
  }

  get derivedQueues(): number {
    return this.#derived.size;
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
    this.#finished.push(qt, result, value);
    if (this.asleep) this.kick();
  }

  stats(): Stats {
    this.flush();
    const stats = this.native.stats() as Stats;
    return {
      ...stats,
      // The native side sees neither what sits in the magazines nor the queues that live here.
      appSlots: stats.appSlots - this.arena.cached,
      queues: stats.queues + this.#derived.size,
      outstanding: this.tokens.outstanding,
      strayCompletions: this.stray,
    };
  }

  // ---- the end -----------------------------------------------------------------------------------------------------------

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    const waiting: CompletionCallback[] = [];
    for (const qt of this.tokens.all()) {
      const index = this.tokens.index(qt);
      if (this.tokens.holders[index] === HOLDER_CALLBACK) waiting.push(this.tokens.callbacks[index] as CompletionCallback);
    }
    this.#derived.clear();
    this.native.destroy();
    this.callbacks = 0;
    for (const callback of waiting) callback(ECANCELED, 0);
  }
}
