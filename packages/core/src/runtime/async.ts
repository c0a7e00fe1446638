import { constants } from "node:os";
import { DemiError } from "../errors.js";
import {
  type Address,
  type AsyncCalls,
  type AsyncOptions,
  type AsyncPopOptions,
  type AsyncPushOptions,
  type CompletionOf,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "../types.js";
import { completionOf } from "./completion-event.js";
import type { Runtime } from "./runtime.js";
import { newQdOf, sgaOf } from "./tag.js";

const ECANCELED = -constants.errno.ECANCELED;
const EBADF = -constants.errno.EBADF;

/** The promise forms: each starts the operation and gives its completion to a callback that settles the promise. */
export class Async implements AsyncCalls {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  push(qd: QueueDescriptor, sga: Sga, options?: AsyncPushOptions): Promise<number> {
    const start = () => this.#runtime.push(qd, sga, flagsOf(options));
    return this.#settle("push", qd, start, options, bytes, () => this.#release(sga, options));
  }

  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, options?: AsyncPushOptions): Promise<number> {
    const start = () => this.#runtime.pushTo(qd, sga, to, flagsOf(options));
    return this.#settle("pushTo", qd, start, options, bytes, () => this.#release(sga, options));
  }

  pop(qd: QueueDescriptor, options?: AsyncPopOptions): Promise<Sga> {
    const start = () => this.#runtime.pop(qd, options?.limit ?? 0);
    return this.#settle("pop", qd, start, options, popped);
  }

  accept(qd: QueueDescriptor, options?: AsyncOptions): Promise<QueueDescriptor> {
    return this.#settle(
      "accept",
      qd,
      () => this.#runtime.accept(qd),
      options,
      (_result, value, tag) => newQdOf(tag, value),
    );
  }

  connect(qd: QueueDescriptor, to: Address, options?: AsyncOptions): Promise<void> {
    return this.#settle(
      "connect",
      qd,
      () => this.#runtime.connect(qd, to),
      options,
      () => undefined,
    );
  }

  wait<T extends QueueToken>(qt: T, options?: AsyncOptions): Promise<CompletionOf<T>> {
    return new Promise((resolve, reject) => {
      const signal = signalOf(options, "wait");
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      this.#runtime.open("wait");
      if (signal === undefined) {
        this.#runtime.attach(qt, (result, value, tag) => resolve(completionOf(qt, result, value, tag)));
        return;
      }
      const abort = () => this.#abort(qt, signal, reject);
      this.#runtime.attach(qt, (result, value, tag) => {
        signal.removeEventListener("abort", abort);
        if (result === ECANCELED && signal.aborted) reject(signal.reason);
        else resolve(completionOf(qt, result, value, tag));
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  async *messages(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<Sga> {
    for (;;) {
      let sga: Sga;
      try {
        sga = await this.pop(qd, options);
      } catch (error) {
        if (isEnd(error)) return;
        throw error;
      }
      if (sga === 0) return;
      try {
        yield sga;
      } finally {
        // Pushed away or freed by the consumer: not ours to free.
        if (!this.#runtime.closed && this.#runtime.arena.owns(sga)) this.#runtime.free(sga);
      }
    }
  }

  async *connections(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<QueueDescriptor> {
    for (;;) {
      try {
        yield await this.accept(qd, options);
      } catch (error) {
        if (isEnd(error)) return;
        throw error;
      }
    }
  }

  /** `unstarted`: what is to be done when the operation was never started. */
  #settle<T>(
    syscall: string,
    qd: QueueDescriptor,
    start: () => QueueToken,
    options: AsyncOptions | undefined,
    value: (result: number, value: number, tag: number) => T,
    unstarted?: () => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let signal: AbortSignal | undefined;
      let qt: QueueToken;
      try {
        signal = signalOf(options, syscall, qd);
        if (signal?.aborted) {
          unstarted?.();
          reject(signal.reason);
          return;
        }
        qt = start();
      } catch (error) {
        unstarted?.();
        throw error;
      }
      if (signal === undefined) {
        this.#runtime.attach(qt, (result, got, tag) => {
          if (result < 0) reject(DemiError.from(result, syscall, qd));
          else resolve(value(result, got, tag));
        });
        return;
      }
      const abort = () => this.#abort(qt, signal, reject);
      this.#runtime.attach(qt, (result, got, tag) => {
        signal.removeEventListener("abort", abort);
        // An operation that had completed before the cancellation reached it keeps its result: nothing that arrived is lost.
        if (result === ECANCELED && signal.aborted) reject(signal.reason);
        else if (result < 0) reject(DemiError.from(result, syscall, qd));
        else resolve(value(result, got, tag));
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Given away means gone, however the promise ends: the caller need not ask why it failed. */
  #release(sga: Sga, options: AsyncPushOptions | undefined): void {
    const { closed, arena } = this.#runtime;
    if (flagsOf(options) !== 0 && !closed && arena.owns(sga)) this.#runtime.free(sga);
  }

  #abort(qt: QueueToken, signal: AbortSignal, reject: (reason: unknown) => void): void {
    if (!this.#runtime.closed && !this.#runtime.abort(qt)) reject(signal.reason);
  }
}

/** Looked at before anything is started: what listens to it could not be taken back. */
function signalOf(options: AsyncOptions | undefined, syscall: string, qd?: QueueDescriptor): AbortSignal | undefined {
  // A number was the flags of a push, once: taken for no options, the memory would never be freed.
  if (options !== undefined && options !== null && typeof options !== "object") {
    throw new DemiError("EINVAL", syscall, `options is ${String(options)}, not an object`, qd);
  }
  const signal = options?.signal ?? undefined;
  if (signal === undefined) return undefined;
  // By shape: a signal may be of another realm.
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<AbortSignal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (listens && typeof aborted === "boolean") return signal;
  throw new DemiError("EINVAL", syscall, `signal is ${String(signal)}, not an AbortSignal`, qd);
}

/** A promise always needs the completion, so there is no QUIET. */
function flagsOf(options: AsyncPushOptions | undefined): number {
  return options?.free === true ? PushFlag.FREE : 0;
}

function bytes(result: number): number {
  return result;
}
function popped(_result: number, value: number, tag: number): Sga {
  return sgaOf(tag, value);
}

/** The queue was closed: the end of an iteration, not a failure of it. */
function isEnd(error: unknown): boolean {
  return error instanceof DemiError && (error.errno === ECANCELED || error.errno === EBADF);
}
