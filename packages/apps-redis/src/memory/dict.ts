/**
 * A hash table of records off the JavaScript heap, chained, that grows and shrinks a few buckets with each change (as Redis's dict does), so
 * that no single operation is long. Keys are bytes.
 */
import { Buckets } from "./buckets.js";
import { sameBytes } from "./bytes.js";
import { hashOf } from "./hash.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "./heap.js";
import {
  copyRecord,
  HEADER,
  hasExpiry,
  hashIn,
  initRecord,
  keyLengthOf,
  LENGTH,
  nextOf,
  payloadRoom,
  recordSize,
  setNext,
} from "./record.js";

const LEAST = 4;
/** Buckets moved with each change while the table is rebuilt, and empty ones that are passed over for each. */
const MOVED = 2;
const PASSED = 10;
/** Buckets of one step of a walk. */
const WALKED = 32;
/** Of a step: heads of chains, and what was looked at, which is of no use. */
const heads = new Uint32Array(WALKED);
const looked = { seen: 0 };
/** Places of a chain that fairRandom() draws from: longer ones are very rare. */
const DRAWN = 8;

export class Dict {
  size = 0;
  private table = new Buckets(LEAST);
  /** While the table is rebuilt: the one it becomes; buckets of `table` before `moved` are empty. */
  private next: Buckets | undefined;
  private moved = 0;

  /** `sparse`: at least two buckets for each record, so that fewer others stand before one: each is memory that is in no cache. */
  constructor(
    readonly heap: Heap,
    private readonly sparse = false,
  ) {}

  /** Bytes of the tables, without the records. */
  get tableBytes(): number {
    return this.table.bytes + (this.next?.bytes ?? 0);
  }

  /** Buckets of the table, and while it is rebuilt of the one that it becomes. */
  get capacities(): number[] {
    return this.next === undefined ? [this.table.capacity] : [this.table.capacity, this.next.capacity];
  }

  /** The record of a key, or 0. */
  find(bytes: Uint8Array, at: number, length: number): Ref {
    if (this.size === 0) return 0;
    if (this.next !== undefined) this.rebuild(1);
    const hash = hashOf(bytes, at, length);
    return this.inChain(this.head(hash), hash, bytes, at, length);
  }

  /** The first record of the key's chain, or 0. */
  headOf(bytes: Uint8Array, at: number, length: number): Ref {
    return this.head(hashOf(bytes, at, length));
  }

  /** A word of a record, or of any other memory: who reads it has it in the processor's cache. */
  glance(ref: Ref): number {
    return this.heap.words[chunkOf(ref)][offsetOf(ref) >>> 2];
  }

  /** A new record with room for `payload` bytes, which are not set, and meta 0. The key is not there yet. */
  add(bytes: Uint8Array, at: number, length: number, payload: number, expires = false): Ref {
    const hash = hashOf(bytes, at, length);
    if (this.next !== undefined) this.rebuild(MOVED);
    else if (this.wanted > this.table.capacity && this.walks === 0) this.resizeTable();
    // Before anything is linked there is memory for all of it.
    const table = this.of(hash);
    const bucket = hash & table.mask;
    const piece = table.pieceFor(bucket);
    const ref = this.heap.alloc(recordSize(length, expires) + payload);
    initRecord(this.heap, ref, hash, bytes, at, length, expires);
    setNext(this.heap, ref, table.swap(piece, bucket, ref));
    this.size++;
    return ref;
  }

  /** Takes the record out and frees its block. What the payload names is the caller's to free before. */
  delete(ref: Ref): void {
    this.replaceInChain(ref, nextOf(this.heap, ref));
    this.heap.free(ref);
    this.size--;
    if (this.next !== undefined) this.rebuild(MOVED);
    else if (this.size * 10 < this.table.capacity && this.table.capacity > LEAST && this.walks === 0)
      this.resizeTable();
  }

  /**
   * The record with room for `payload` bytes, of which the first `keep` are as they were, and with or without room for an expiry. It may have
   * moved: the Ref before names nothing then.
   */
  resize(ref: Ref, payload: number, keep: number, expires = hasExpiry(this.heap, ref)): Ref {
    const heap = this.heap;
    const size = recordSize(keyLengthOf(heap, ref), expires) + payload;
    if (expires === hasExpiry(heap, ref) && heap.stays(ref, size)) return ref;
    const moved = heap.alloc(size);
    copyRecord(heap, ref, moved, expires, Math.min(keep, payloadRoom(heap, ref)));
    this.replaceInChain(ref, moved);
    heap.free(ref);
    return moved;
  }

  /** Any record; 0 of an empty table. As fair as its buckets are: chains of two have half the chance each. */
  random(): Ref {
    if (this.size === 0) return 0;
    if (this.next !== undefined) this.rebuild(MOVED);
    for (;;) {
      const spread = this.table.capacity + (this.next?.capacity ?? 0);
      const at = Math.floor(Math.random() * spread);
      let ref = at < this.table.capacity ? this.table.get(at) : (this.next?.get(at - this.table.capacity) ?? 0);
      if (ref === 0) continue;
      let length = 0;
      for (let one = ref; one !== 0; one = nextOf(this.heap, one)) length++;
      for (let n = Math.floor(Math.random() * length); n !== 0; n--) ref = nextOf(this.heap, ref);
      return ref;
    }
  }

  /**
   * Any record, all with the same chance; 0 of an empty table. Draws places of chains until one is taken, which is a few dozen draws at most
   * times. (Of a chain with more than DRAWN places each has less than the others'.)
   */
  fairRandom(): Ref {
    if (this.size === 0) return 0;
    if (this.next !== undefined) this.rebuild(MOVED);
    const { heap } = this;
    for (;;) {
      const at = Math.floor(Math.random() * (this.table.capacity + (this.next?.capacity ?? 0)));
      const head = at < this.table.capacity ? this.table.get(at) : (this.next?.get(at - this.table.capacity) ?? 0);
      if (head === 0) continue;
      let place = Math.floor(Math.random() * DRAWN);
      let ref = head;
      for (let rest = place; rest !== 0 && ref !== 0; rest--) ref = nextOf(heap, ref);
      if (ref === 0) continue;
      let length = place;
      for (let one = ref; one !== 0; one = nextOf(heap, one)) length++;
      if (length <= DRAWN) return ref;
      place = Math.floor(Math.random() * length);
      for (ref = head; place !== 0; place--) ref = nextOf(heap, ref);
      return ref;
    }
  }

  /**
   * Tells `found` the records of one bucket (of two tables, of all the buckets that belong to it), and returns the next cursor, 0 at the end.
   * Whatever is there from the first call to the last is told at least once, whatever is added, removed or rebuilt between: the cursor counts
   * with its bits reversed (Noordhuis, in Redis's dictScan). `found` must not change the table.
   */
  scan(cursor: number, found: (ref: Ref) => void): number {
    if (this.size === 0) return 0;
    const [small, large] =
      this.next === undefined || this.next.mask > this.table.mask ? [this.table, this.next] : [this.next, this.table];
    let at = cursor;
    this.tell(small, at & small.mask, found);
    if (large === undefined) return advance(at, small.mask);
    do {
      this.tell(large, at & large.mask, found);
      at = advance(at, large.mask);
    } while ((at & (small.mask ^ large.mask)) !== 0);
    return at;
  }

  /** All records, from first to last; the one being told may be deleted or changed, nothing else. */
  each(found: (ref: Ref) => void): void {
    this.walks++;
    try {
      for (const table of this.next === undefined ? [this.table] : [this.table, this.next]) {
        for (let at = 0; at < table.capacity; at++) this.tell(table, at, found);
      }
    } finally {
      this.walks--;
    }
  }
  /** Walks through all records that are under way: meanwhile none moves to the other table, where it would be met again. */
  private walks = 0;

  /** A walk of many steps begins: until {@link endWalk} no record moves to another bucket, whatever is added and deleted. */
  beginWalk(): void {
    this.walks++;
  }

  endWalk(): void {
    this.walks--;
  }

  /**
   * Tells `found` the records of some buckets from a place on, and returns the next place, 0 at the end. Records are looked at before they are
   * told: so the processor fetches several at a time. `found` must not change the table.
   */
  walk(place: number, found: (ref: Ref) => void): number {
    const { capacity } = this.table;
    const table = place < capacity ? this.table : (this.next as Buckets);
    const from = place < capacity ? place : place - capacity;
    const end = Math.min(from + WALKED, table.capacity);
    let count = 0;
    for (let at = from; at < end; at++) {
      const ref = table.get(at);
      if (ref !== 0) heads[count++] = ref;
    }
    const { words } = this.heap;
    let seen = 0;
    for (let i = 0; i < count; i++) seen ^= words[chunkOf(heads[i])][offsetOf(heads[i]) >>> 2];
    looked.seen = seen;
    for (let i = 0; i < count; i++) {
      for (let ref = heads[i]; ref !== 0; ) {
        const next = nextOf(this.heap, ref);
        found(ref);
        ref = next;
      }
    }
    const next = place + end - from;
    return next === capacity + (this.next?.capacity ?? 0) ? 0 : next;
  }

  /** As each(), until `found` returns true: then true. */
  some(found: (ref: Ref) => boolean): boolean {
    this.walks++;
    try {
      for (const table of this.next === undefined ? [this.table] : [this.table, this.next]) {
        for (let at = 0; at < table.capacity; at++) {
          for (let ref = table.get(at); ref !== 0; ref = nextOf(this.heap, ref)) if (found(ref)) return true;
        }
      }
      return false;
    } finally {
      this.walks--;
    }
  }

  /** Frees records, at most `most`; true when there are none left. `before` is told each, for what its payload names. */
  drain(most: number, before?: (ref: Ref) => void): boolean {
    for (let table: Buckets | undefined = this.table; ; table = this.next) {
      for (; table !== undefined && this.drained < table.capacity; this.drained++) {
        for (let ref = table.get(this.drained); ref !== 0; ) {
          if (most-- === 0) return false;
          const next = nextOf(this.heap, ref);
          before?.(ref);
          this.heap.free(ref);
          this.size--;
          table.set(this.drained, next);
          ref = next;
        }
      }
      this.drained = 0;
      if (table === this.next || this.next === undefined) break;
      this.table = new Buckets(LEAST);
    }
    this.table = new Buckets(LEAST);
    this.next = undefined;
    this.moved = 0;
    return true;
  }
  private drained = 0;

  /** Goes on with rebuilding by up to `buckets`; for who has time. True while there is more to do. */
  rebuild(buckets: number): boolean {
    const next = this.next;
    if (next === undefined || this.walks !== 0) return false;
    let passed = buckets * PASSED;
    while (buckets !== 0 && this.moved < this.table.capacity) {
      let ref = this.table.get(this.moved);
      if (ref === 0) {
        this.table.forget(++this.moved);
        if (--passed === 0) return true;
        continue;
      }
      // A chain moves as a whole, or later.
      if (!next.hasRoomFor(this.moved, this.table.capacity)) return false;
      for (; ref !== 0; ) {
        const following = nextOf(this.heap, ref);
        const at = hashIn(this.heap, ref) & next.mask;
        setNext(this.heap, ref, next.get(at));
        next.set(at, ref);
        ref = following;
      }
      this.table.set(this.moved, 0);
      this.table.forget(++this.moved);
      buckets--;
    }
    if (this.moved < this.table.capacity) return true;
    this.table = next;
    this.next = undefined;
    this.moved = 0;
    return false;
  }

  // ---- chains --------------------------------------------------------------------------------------------------------

  private tell(table: Buckets, at: number, found: (ref: Ref) => void): void {
    for (let ref = table.get(at); ref !== 0; ) {
      const next = nextOf(this.heap, ref);
      found(ref);
      ref = next;
    }
  }

  /** The table that has the key's bucket. */
  private of(hash: number): Buckets {
    return this.next !== undefined && (hash & this.table.mask) < this.moved ? this.next : this.table;
  }

  private head(hash: number): Ref {
    const table = this.of(hash);
    return table.get(hash & table.mask);
  }

  private inChain(ref: Ref, hash: number, bytes: Uint8Array, at: number, length: number): Ref {
    const heap = this.heap;
    for (; ref !== 0; ) {
      const words = heap.words[chunkOf(ref)];
      const word = offsetOf(ref) >>> 2;
      if (words[word + 1] === hash && (words[word + 3] & LENGTH) === length) {
        if (sameBytes(heap.bytes[chunkOf(ref)], offsetOf(ref) + HEADER, bytes, at, length)) return ref;
      }
      ref = words[word] >>> 0;
    }
    return 0;
  }

  private replaceInChain(ref: Ref, by: Ref): void {
    const hash = hashIn(this.heap, ref);
    const table = this.of(hash);
    const at = hash & table.mask;
    let one = table.get(at);
    if (one === ref) {
      table.set(at, by);
      return;
    }
    for (; ; one = nextOf(this.heap, one)) {
      if (nextOf(this.heap, one) !== ref) continue;
      setNext(this.heap, one, by);
      return;
    }
  }

  /** Buckets that there should be at least. */
  private get wanted(): number {
    return this.sparse ? this.size * 2 + 1 : this.size + 1;
  }

  private resizeTable(): void {
    let capacity = LEAST;
    while (capacity < this.wanted) capacity *= 2;
    if (capacity === this.table.capacity) return;
    this.next = new Buckets(capacity);
    this.moved = 0;
  }
}

/** The cursor counted up by one in the bits of the mask, the highest first. */
function advance(cursor: number, mask: number): number {
  return reversed(reversed(cursor | ~mask) + 1) >>> 0;
}

function reversed(bits: number): number {
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return (bits >>> 16) | (bits << 16);
}
