import type { Address } from "./address.js";
import type { CompletionOf } from "./completion.js";
import type { QueueDescriptor, QueueToken, Sga } from "./names.js";

/** What can be cancelled: the promise forms of the calls. */
export interface AsyncOptions {
  /** Aborting cancels the operation; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface AsyncPushOptions extends AsyncOptions {
  /** As PushFlag.FREE: the libOS frees the sga however the promise ends. Default false. */
  free?: boolean;
}

export interface AsyncPopOptions extends AsyncOptions {
  /** Most bytes wanted; default 0, what there is. */
  limit?: number;
}

/** The promise forms: each costs a promise and a turn of the microtask queue more than the call (BENCHMARKS.md). Failures reject with DemiError. */
export interface AsyncCalls {
  /** Resolves with the bytes pushed. */
  push(qd: QueueDescriptor, sga: Sga, options?: AsyncPushOptions): Promise<number>;
  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, options?: AsyncPushOptions): Promise<number>;
  /** Resolves with the sga, which the caller frees; 0 at the end of the stream. */
  pop(qd: QueueDescriptor, options?: AsyncPopOptions): Promise<Sga>;
  /** Resolves with the new connection's queue. */
  accept(qd: QueueDescriptor, options?: AsyncOptions): Promise<QueueDescriptor>;
  connect(qd: QueueDescriptor, to: Address, options?: AsyncOptions): Promise<void>;
  /** Resolves with the token's completion, whatever its result. */
  wait<T extends QueueToken>(qt: T, options?: AsyncOptions): Promise<CompletionOf<T>>;
  /** Yields each sga until the end of the stream or close; frees it when the loop asks for the next. */
  messages(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<Sga>;
  /** Yields each accepted connection until the listener is closed. */
  connections(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<QueueDescriptor>;
}
