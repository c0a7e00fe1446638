import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type { CompletionHandler, CompletionOf, OpcodeValue, QueueDescriptor, QueueToken, Sga } from "../types.js";
import { Boundary } from "./boundary.js";
import { CompletionEvent, completionOf } from "./completion-event.js";
import { DoneList } from "./done.js";
import { FinishedOperations } from "./finished.js";
import { publishAccept, publishError } from "./publish.js";
import { type CompletionCallback, newQdOf, opcodeOf, qdOf, tagOf } from "./tag.js";
import { TokenDetails } from "./token-details.js";
import { endIfApp, Holder } from "./tokens.js";

/**
 * Drives the device and gives each completion to whoever waits for it: a handler, a callback, or the list of those that nobody has asked
 * for yet.
 */
export abstract class Dispatcher extends Boundary {
  readonly name: string;
  readonly details: TokenDetails;
  readonly done: DoneList;
  /** Operations that ended without the device. */
  readonly finished = new FinishedOperations();
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
  readonly #event = new CompletionEvent();
  /** Counts interrupt(): a dispatch that finds it changed gives out no more. */
  #interrupts = 0;
  readonly #reclaim = (qt: QueueToken): void => {
    if (this.holder(qt) !== Holder.NONE) this.#forget(qt);
  };

  constructor(name: string, native: NativeLibOS) {
    super(native);
    this.name = name;
    this.details = new TokenDetails(this);
    this.done = new DoneList(this);
  }

  /** The event loop driver sleeps: a submission must wake it. */
  get asleep(): boolean {
    return this.#asleep;
  }
  set asleep(asleep: boolean) {
    this.#asleep = asleep;
    this.attention = asleep || this.closed ? 1 : 0;
  }

  open(syscall: string): void {
    if (this.closed) throw new DemiError("EBADF", syscall, "this libOS was destroyed");
  }

  /** Who holds an outstanding token; throws EINVAL for any other. */
  outstanding(qt: QueueToken, syscall: string): Holder {
    this.open(syscall);
    const holder = this.holder(qt);
    if (holder === Holder.NONE) throw new DemiError("EINVAL", syscall, `token ${qt} is not outstanding`);
    return holder;
  }

  // ---- drive ---------------------------------------------------------------------------------------------------------

  /** Hands over the submissions and drives the device; waits in it up to `waitMicroseconds` when nothing is ready. */
  poll(waitMicroseconds: number): void {
    this.cross(this.finished.empty ? waitMicroseconds : 0);
    if (this.anyReturned) this.reclaimReturned();
  }

  /** Hands over the submissions if there are any, so that a control call sees them done. */
  flush(): void {
    if (this.unsubmitted !== 0) this.poll(0);
  }

  /** Work that needs no device: completions to hand out. */
  get ready(): boolean {
    return !this.finished.empty || this.unread || this.unsubmitted !== 0 || this.overflowing;
  }

  /** Whoever sleeps until something comes is woken if something is there. */
  rouse(): void {
    if (this.#asleep && this.ready) this.kick();
  }

  /** Ends the tokens that ended without a completion. */
  reclaimReturned(): void {
    this.takeReturned(this.#reclaim);
  }

  protected override reclaim(): void {
    this.poll(0);
  }

  // ---- hand out ------------------------------------------------------------------------------------------------------

  /**
   * Gives every completion there is to its waiter: callbacks are called; the application's go to `handler`, or, without one, are kept
   * until a wait picks them up. Returns how many there were. What a handler that throws, or is interrupted, has not been given stays
   * where it is, for the next dispatch.
   */
  dispatch(handler: CompletionHandler | undefined): number {
    const interrupts = this.#interrupts;
    let count = 0;
    if (handler !== undefined && !this.done.empty) count += this.#handOver(handler);
    if (!this.finished.empty) count += this.#dispatchFinished(handler, interrupts);
    if (this.#interrupts !== interrupts) return count;
    const { words, table } = this;
    const event = this.#event;
    for (let at = this.next(); at >= 0; at = this.#interrupts === interrupts ? this.next() : -1) {
      const qt = words[at] as QueueToken;
      const result = words[(at + Layout.CQE_RESULT) | 0];
      const value = words[(at + Layout.CQE_VALUE) | 0];
      const tag = words[(at + Layout.CQE_TAG) | 0];
      count = (count + 1) | 0;
      const opcode = opcodeOf(tag) as OpcodeValue;
      // A push, a pop or a connect of the application's that succeeded: the common case. By hand what event.set() does: the compiler
      // makes one function of a whole turn as long as the turn is short.
      if (handler !== undefined && result >= 0 && opcode !== Layout.OP_ACCEPT && endIfApp(words, table, qt)) {
        event.opcode = opcode;
        event.qd = qdOf(tag);
        event.qt = qt;
        event.result = result;
        event.sga = (opcode === Layout.OP_POP ? value : 0) as Sga;
        event.newQd = 0 as QueueDescriptor;
        handler(event);
      } else {
        this.#deliver(qt, result, value, tag, handler);
      }
    }
    return count;
  }

  /** The handler that is being given completions gets no more of them: from within a handler or a callback. */
  interrupt(): void {
    this.#interrupts++;
  }

  /** As the loop of dispatch(), for every case. */
  #deliver(qt: QueueToken, result: number, value: number, tag: number, handler: CompletionHandler | undefined): void {
    if (qt === 0) {
      this.failedQuietly(qdOf(tag), result, handler);
      return;
    }
    const holder = this.holder(qt);
    if (holder === Holder.NONE || holder === Holder.DONE) {
      this.stray++;
      return;
    }
    if (result < 0) publishError(this.name, qdOf(tag), opcodeOf(tag), result);
    else if (opcodeOf(tag) === Layout.OP_ACCEPT) publishAccept(this.name, qdOf(tag), newQdOf(tag, value));
    if (holder === Holder.CALLBACK) {
      const callback = this.#forget(qt) as CompletionCallback;
      callback(result, value, tag);
    } else if (handler === undefined) {
      this.details.keep(qt, result, value, tag);
      this.holdAsDone(qt);
      this.done.add(qt);
    } else {
      this.release(qt);
      this.#call(handler, qt, result, value, tag);
    }
  }

  #call(handler: CompletionHandler, qt: QueueToken, result: number, value: number, tag: number): void {
    const event = this.#event;
    event.set(qt, result, value, tag);
    handler(event);
  }

  /** A quiet push failed: its completion carries no token. A handler hears of it; else the error channel and a counter keep it. */
  protected failedQuietly(qd: QueueDescriptor, errno: number, handler: CompletionHandler | undefined): void {
    this.failedQuietPushes++;
    publishError(this.name, qd, Layout.OP_PUSH, errno);
    if (handler !== undefined) this.#call(handler, 0 as QueueToken, errno, 0, tagOf(Layout.OP_PUSH, qd));
  }

  /** Completions that came while nobody handled them. */
  #handOver(handler: CompletionHandler): number {
    const interrupts = this.#interrupts;
    let count = 0;
    while (this.#interrupts === interrupts) {
      const qt = this.done.take();
      if (qt === 0) break;
      const { details } = this;
      this.release(qt);
      count++;
      this.#call(handler, qt, details.result(qt), details.value(qt), details.tag(qt));
    }
    return count;
  }

  #dispatchFinished(handler: CompletionHandler | undefined, interrupts: number): number {
    const { finished } = this;
    // What finishes meanwhile is for the next dispatch.
    const { end } = finished;
    let count = 0;
    while (this.#interrupts === interrupts) {
      const at = finished.next(end);
      if (at < 0) break;
      count++;
      this.#deliver(finished.token(at), finished.result(at), finished.value(at), finished.tag(at), handler);
    }
    finished.compact();
    return count;
  }

  // ---- waiters -------------------------------------------------------------------------------------------------------

  /** `callback` gets the token's completion instead of the application. The token must be outstanding and the application's. */
  attach(qt: QueueToken, callback: CompletionCallback): void {
    const { details } = this;
    const holder = this.holder(qt);
    if (holder === Holder.NONE || holder === Holder.CALLBACK) {
      throw new DemiError("EINVAL", "wait", `token ${qt} is not outstanding`);
    }
    if (holder === Holder.DONE) this.finished.add(qt, details.result(qt), details.value(qt), details.tag(qt));
    this.holdByCallback(qt);
    details.setCallback(qt, callback);
    this.callbacks++;
    this.kick();
  }

  /** The callback of a token hears nothing any more, and the operation goes on: the token is the application's again. */
  detach(qt: QueueToken): void {
    this.details.takeCallback(qt);
    this.callbacks--;
    this.holdByApp(qt);
  }

  /** Takes a completion that waits to be picked up; the token ends. */
  pick<T extends QueueToken>(qt: T): CompletionOf<T> {
    const { details } = this;
    this.release(qt);
    return completionOf(qt, details.result(qt), details.value(qt), details.tag(qt));
  }

  /**
   * As dispatch() and pick() together when the only completion there is succeeded, and belongs to this token of the application's: what a
   * blocking wait for one operation mostly finds. In any other case undefined, and nothing done.
   */
  pickAlone<T extends QueueToken>(qt: T): CompletionOf<T> | undefined {
    const { words } = this;
    const at = this.only();
    if (at < 0 || words[at] !== qt || !this.finished.empty) return undefined;
    const result = words[(at + Layout.CQE_RESULT) | 0];
    const tag = words[(at + Layout.CQE_TAG) | 0];
    if (result < 0 || opcodeOf(tag) === Layout.OP_ACCEPT || !endIfApp(words, this.table, qt)) return undefined;
    this.next();
    return completionOf(qt, result, words[(at + Layout.CQE_VALUE) | 0], tag);
  }

  /** Ends a token without a word to the application; its callback, if it had one, is for the caller to call. */
  #forget(qt: QueueToken): CompletionCallback | undefined {
    let callback: CompletionCallback | undefined;
    if (this.holder(qt) === Holder.CALLBACK) {
      callback = this.details.takeCallback(qt);
      this.callbacks--;
    }
    this.release(qt);
    return callback;
  }

  /** Ends an operation of a derived queue; its waiter hears of it in the next dispatch. */
  finish(qt: QueueToken, result: number, value: number): void {
    this.finished.add(qt, result, value, this.details.startTag(qt));
    if (this.asleep) this.kick();
  }
}
