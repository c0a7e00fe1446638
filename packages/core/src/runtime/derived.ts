import { Layout } from "../layout.js";
import type { QueueDescriptor, QueueToken, Sga } from "../types.js";

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

export function isDerived(qd: QueueDescriptor): boolean {
  return (qd & Layout.DERIVED_QUEUE_BIT) !== 0;
}

/** The derived queues of one libOS by their descriptors. */
export class DerivedQueues {
  readonly #queues = new Map<QueueDescriptor, DerivedQueue>();
  #next = 1;

  get size(): number {
    return this.#queues.size;
  }

  add(queue: DerivedQueue): QueueDescriptor {
    let qd: QueueDescriptor;
    do {
      qd = (Layout.DERIVED_QUEUE_BIT | (this.#next++ & (Layout.DERIVED_QUEUE_BIT - 1))) as QueueDescriptor;
    } while (this.#queues.has(qd));
    this.#queues.set(qd, queue);
    return qd;
  }

  get(qd: QueueDescriptor): DerivedQueue | undefined {
    return this.#queues.get(qd);
  }

  /** The queue, which has no descriptor from now on. */
  remove(qd: QueueDescriptor): DerivedQueue | undefined {
    const queue = this.#queues.get(qd);
    this.#queues.delete(qd);
    return queue;
  }

  clear(): void {
    this.#queues.clear();
  }
}
