import type { QueueToken, Sga } from "../types.js";

/**
 * A queue made from other queues (merge, filter, map, sort, qconnect), living in JavaScript. It is given tokens to complete: each ends
 * with exactly one {@link Runtime.finish}, except where cancel() takes it back.
 */
export interface DerivedQueue {
  /** Starts a push. With PushFlag.FREE the sga is the queue's to free or pass on. */
  push(qt: QueueToken, sga: Sga, flags: number): void;
  pop(qt: QueueToken, limit: number): void;
  /** Forgets a pending token. False when it is too late and the token will be finished anyway. */
  cancel(qt: QueueToken): boolean;
  /** Finishes every pending token with ECANCELED and gives up what it holds of its sources (not the sources themselves). */
  close(): void;
}
