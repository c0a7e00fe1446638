import { constants } from "node:os";
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import {
  type Address,
  type AsyncCalls,
  type AsyncOptions,
  type Completion,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "../types.js";
import type { Runtime } from "./runtime.js";
import { opcodeOf, qdOf } from "./tokens.js";

const ECANCELED = -constants.errno.ECANCELED;
const EBADF = -constants.errno.EBADF;

/** The promise forms: each starts the operation and gives its completion to a callback that settles the promise. */
export class Async implements AsyncCalls {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  push(qd: QueueDescriptor, sga: Sga, flags = 0, options?: AsyncOptions): Promise<number> {
    // A promise always needs the completion, so QUIET is left out.
    const start = () => this.#runtime.push(qd, sga, flags & PushFlag.FREE);
    return this.#settle("push", qd, start, options, bytes, () => this.#release(sga, flags));
  }

  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, flags = 0, options?: AsyncOptions): Promise<number> {
    const start = () => this.#runtime.pushTo(qd, sga, to, flags & PushFlag.FREE);
    return this.#settle("pushTo", qd, start, options, bytes, () => this.#release(sga, flags));
  }

  pop(qd: QueueDescriptor, options?: AsyncOptions & { limit?: number }): Promise<Sga> {
    const start = () => this.#runtime.pop(qd, options?.limit ?? 0);
    return this.#settle("pop", qd, start, options, (_result, sga) => sga);
  }

  accept(qd: QueueDescriptor, options?: AsyncOptions): Promise<QueueDescriptor> {
    return this.#settle(
      "accept",
      qd,
      () => this.#runtime.accept(qd),
      options,
      (_result, newQd) => newQd,
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

  wait(qt: QueueToken, options?: AsyncOptions): Promise<Completion> {
    return new Promise((resolve, reject) => {
      const signal = signalOf(options, "wait");
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      this.#runtime.open("wait");
      if (signal === undefined) {
        this.#runtime.attach(qt, (result, value, tag) => resolve(completion(qt, result, value, tag)));
        return;
      }
      const abort = () => this.#abort(qt, signal, reject);
      this.#runtime.attach(qt, (result, value, tag) => {
        signal.removeEventListener("abort", abort);
        if (result === ECANCELED && signal.aborted) reject(signal.reason);
        else resolve(completion(qt, result, value, tag));
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
    value: (result: number, value: number) => T,
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
        this.#runtime.attach(qt, (result, got) => {
          if (result < 0) reject(DemiError.from(result, syscall, qd));
          else resolve(value(result, got));
        });
        return;
      }
      const abort = () => this.#abort(qt, signal, reject);
      this.#runtime.attach(qt, (result, got) => {
        signal.removeEventListener("abort", abort);
        // An operation that had completed before the cancellation reached it keeps its result: nothing that arrived is lost.
        if (result === ECANCELED && signal.aborted) reject(signal.reason);
        else if (result < 0) reject(DemiError.from(result, syscall, qd));
        else resolve(value(result, got));
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Given away with FREE means gone, however the promise ends: the caller need not ask why it failed. */
  #release(sga: Sga, flags: number): void {
    const { closed, arena } = this.#runtime;
    if ((flags & PushFlag.FREE) !== 0 && !closed && arena.owns(sga)) this.#runtime.free(sga);
  }

  #abort(qt: QueueToken, signal: AbortSignal, reject: (reason: unknown) => void): void {
    if (!this.#runtime.closed && !this.#runtime.abort(qt)) reject(signal.reason);
  }
}

/** Looked at before anything is started: what listens to it could not be taken back. */
function signalOf(options: AsyncOptions | undefined, syscall: string, qd?: QueueDescriptor): AbortSignal | undefined {
  const signal = options?.signal ?? undefined;
  // By shape: a signal may be of another realm.
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<AbortSignal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (signal === undefined || (listens && typeof aborted === "boolean")) return signal;
  throw new DemiError("EINVAL", syscall, `signal is ${String(signal)}, not an AbortSignal`, qd);
}

function bytes(result: number): number {
  return result;
}

function completion(qt: QueueToken, result: number, value: number, tag: number): Completion {
  const opcode = opcodeOf(tag);
  const sga = opcode === Layout.OP_POP ? value : 0;
  const newQd = opcode === Layout.OP_ACCEPT ? value : 0;
  return { opcode, qd: qdOf(tag), qt, result, sga, newQd };
}

/** The queue was closed: the end of an iteration, not a failure of it. */
function isEnd(error: unknown): boolean {
  return error instanceof DemiError && (error.errno === ECANCELED || error.errno === EBADF);
}
