/** Consumer groups of a stream: who has read up to where, and which entries are handed out and not acknowledged. */
import type { Heap, Ref } from "../memory/heap.js";
import type { Integer } from "../numbers/integers.js";
import { ByName } from "./by-name.js";
import { StreamId } from "./stream-id.js";
import { StreamIndex } from "./stream-index.js";
import { consumerOf, copyPending, PENDING_BYTES, setConsumer } from "./stream-pending.js";

/** Of {@link StreamGroup.entriesRead}: nobody knows. */
export const UNKNOWN_READ = -1;

export class StreamConsumer {
  readonly pending: StreamIndex;

  constructor(
    heap: Heap,
    readonly name: string,
    /** Among the consumers of its group: what a pending entry names it by. */
    readonly number: number,
    /** Milliseconds since 1970. */
    public seen: Integer,
  ) {
    this.pending = new StreamIndex(heap);
  }
}

export class StreamGroup {
  readonly pending: StreamIndex;
  readonly consumers = new ByName<StreamConsumer>();
  private readonly numbered: (StreamConsumer | undefined)[] = [];
  private readonly vacant: number[] = [];

  constructor(
    private readonly heap: Heap,
    /** Up to where entries were handed out. */
    readonly lastId: StreamId,
    /** How many entries of all that ever were there that is. */
    public entriesRead: Integer,
  ) {
    this.pending = new StreamIndex(heap);
  }

  addConsumer(name: string, now: Integer): StreamConsumer {
    const number = this.vacant.pop() ?? this.numbered.length;
    const consumer = new StreamConsumer(this.heap, name, number, now);
    this.numbered[number] = consumer;
    this.consumers.set(name, consumer);
    return consumer;
  }

  /** With its pending entries. */
  removeConsumer(consumer: StreamConsumer): void {
    const id = new StreamId();
    for (;;) {
      const last = consumer.pending.last();
      if (last < 0) break;
      this.acknowledge(consumer.pending.idAt(last, id));
    }
    this.consumers.delete(consumer.name);
    this.numbered[consumer.number] = undefined;
    this.vacant.push(consumer.number);
  }

  ownerOf(pending: Ref): StreamConsumer | undefined {
    return this.numbered[consumerOf(this.heap, pending)];
  }

  /** Is pending no more; false: it was not. */
  acknowledge(id: StreamId): boolean {
    const pending = this.pending.remove(id);
    if (pending === 0) return false;
    this.ownerOf(pending)?.pending.remove(id);
    this.heap.free(pending);
    return true;
  }

  /** It is this consumer's now. */
  give(id: StreamId, pending: Ref, consumer: StreamConsumer): void {
    const owner = this.ownerOf(pending);
    if (owner === consumer) return;
    owner?.pending.remove(id);
    consumer.pending.add(id, pending);
    setConsumer(this.heap, pending, consumer.number);
  }

  /** Gives a new one what this one has. */
  copyTo(made: StreamGroup): void {
    const { heap } = this;
    const id = new StreamId();
    const copied = (ref: Ref): Ref => {
      heap.demand(PENDING_BYTES);
      return copyPending(heap, ref);
    };
    this.pending.copyTo(made.pending, copied, id);
    for (const consumer of this.numbered) {
      if (consumer === undefined) {
        made.vacant.push(made.numbered.length);
        made.numbered.push(undefined);
        continue;
      }
      const same = new StreamConsumer(this.heap, consumer.name, consumer.number, consumer.seen);
      made.numbered.push(same);
      made.consumers.set(same.name, same);
      for (let at = consumer.pending.first(); at >= 0; at = consumer.pending.next(at)) {
        consumer.pending.idAt(at, id);
        heap.demand(PENDING_BYTES);
        same.pending.add(id, made.pending.find(id));
      }
    }
  }

  /** What freeing it costs. */
  get size(): number {
    return this.pending.size * 2 + this.consumers.size;
  }

  bytes(): number {
    let bytes = this.pending.bytes() + this.pending.size * PENDING_BYTES;
    for (const consumer of this.consumers.values()) bytes += consumer.pending.bytes() + consumer.name.length;
    return bytes;
  }

  /** As StoredObject's. */
  release(most: number): boolean {
    let left = most;
    for (const consumer of this.numbered) {
      if (consumer === undefined) continue;
      const had = consumer.pending.size;
      if (!consumer.pending.drain(left, () => {})) return false;
      left -= had;
    }
    return this.pending.drain(Math.max(left, 0), (ref) => this.heap.free(ref));
  }
}
