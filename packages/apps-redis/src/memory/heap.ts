/**
 * Memory off the JavaScript heap, so that ten million keys are nothing for the garbage collector to walk through: chunks of 128 MiB, handed out
 * in blocks. A block is named by its {@link Ref}, and lies in one chunk.
 *
 * Small blocks come from spans of 64 KiB, each of one size class (Bonwick, "The Slab Allocator", USENIX 1994); what is larger than half a span
 * takes spans that lie side by side, and what is larger than a chunk a chunk of its own. A span without blocks goes back, a chunk without
 * spans is given up: so memory that was used for one size is there for others.
 *
 * One chunk more than is in use is always there already. When it had to be taken, and no other can be had (there are no more names, or the
 * machine has no memory), the heap is low: what its spans have left is for changes that have begun. So a change of several steps gets its
 * memory, and what may be refused is refused before ({@link Heap.lacks}).
 */

import { copyBytes, withWords } from "./bytes.js";

/** Where a block begins, in units of 8 bytes over all chunks: an integer from 1 to 2^32 - 1. 0 names nothing. */
export type Ref = number;

const CHUNK_BITS = 27;
const CHUNK_BYTES = 1 << CHUNK_BITS;
/** Bits of a Ref that say where in its chunk. */
const UNIT_BITS = CHUNK_BITS - 3;
const UNIT_MASK = (1 << UNIT_BITS) - 1;
const MOST_CHUNKS = 1 << (32 - UNIT_BITS);
const SPAN_BITS = 16;
const SPAN_BYTES = 1 << SPAN_BITS;
const SPANS = CHUNK_BYTES / SPAN_BYTES;
/** Larger blocks take whole spans. */
const LARGEST_CLASS = SPAN_BYTES / 2;

/** What a span is used for: nothing, the first or a further one of a large block, or (from CLASS on) blocks of a size class. */
const FREE = 0;
const LARGE = 1;
const MORE = 2;
const CLASS = 3;

/** Sizes of the classes: steps of 8 up to 128, then four to each doubling. */
const SIZES: number[] = [];
for (let size = 8; size <= 128; size += 8) SIZES.push(size);
for (let power = 128; power < LARGEST_CLASS; power *= 2) {
  for (let step = 1; step <= 4; step++) SIZES.push(power + (power / 4) * step);
}
/** The class of a size, by units of 8 bytes rounded up. */
const CLASS_OF = new Uint8Array(LARGEST_CLASS / 8 + 1);
for (let units = 1, found = 0; units < CLASS_OF.length; units++) {
  if (units * 8 > SIZES[found]) found++;
  CLASS_OF[units] = found;
}

class Chunk {
  /** Of each span: FREE, LARGE, MORE, or CLASS + its size class. */
  readonly use = new Uint8Array(SPANS);
  /** Of each span: its blocks that are in use; of a large block's first, how many spans it takes. */
  readonly count = new Uint16Array(SPANS);
  /** Of each span with blocks: the first free one that was used before, in bytes from the span's start plus 1; 0 is none. */
  readonly freed = new Uint32Array(SPANS);
  /** Of each span with blocks: bytes that were handed out at least once. */
  readonly touched = new Uint32Array(SPANS);
  free = SPANS;
}

/** Of a heap that is low: spans that are only for commands that had begun before, or that need not be refused. */
const RESERVE = SPANS / 2;
/** Of these, spans that no block of more than a few spans gets: the smaller ones are what a change is made of that cannot stop halfway. */
const CORE = SPANS / 8;
const FEW = 16;
/** Fewer free spans than this, and the next chunk's memory is had, or the heap is low. */
const AHEAD = (SPANS / 4) * 3;
/** Times that {@link Heap.tend} leaves it the memory of a chunk that was given up: who empties and fills a chunk again and again makes none. */
const TENDED = 10;

/** Thrown by {@link Heap.alloc} when there is no room: no more names, which are for some 32 GiB, or no memory in the machine. */
export class HeapFull extends Error {
  constructor() {
    super("the keyspace has no room for more");
  }
}

export class Heap {
  /** The bytes of each chunk: a block's are `bytes[ref >>> 24]` from `(ref & 0xffffff) * 8` on. See {@link chunkOf}, {@link offsetOf}. */
  readonly bytes: Uint8Array[] = [];
  /** The same as 32-bit words. */
  readonly words: Int32Array[] = [];
  /** The same as doubles. */
  readonly doubles: Float64Array[] = [];
  /** Bytes in blocks that are in use, each as large as its class is. */
  used = 0;
  /** Bytes in chunks. */
  reserved = 0;
  private readonly chunks: (Chunk | undefined)[] = [];
  /** Chunks that have a free span. */
  private roomy: number[] = [];
  /** Of each class the spans that have room, as (chunk * SPANS + span), and some that have none. */
  private readonly partial: number[][] = SIZES.map(() => []);
  private readonly vacant: number[] = [];
  /** Chunks that have a number, and the memory of the next one: new, or that of the last chunk that was given up. */
  private live = 0;
  private spare: ArrayBuffer | undefined;
  /** How often {@link tend} has seen a spare one that was used before. */
  private seen = 0;
  private freeSpans = 0;
  /** Little is free, and there is no other chunk. */
  isLow = false;
  /** 0 or {@link MARK}, as the records have it that the snapshot under way has; new ones are made so, as it need not have them. */
  mark = 0;
  /** Told when it becomes low, and when it is no more. */
  onLow: (isLow: boolean) => void = () => {};

  /** `most`: chunks that there may be. */
  constructor(private readonly most = MOST_CHUNKS) {}

  /** Whether a command may not begin that would add some `bytes`. */
  lacks(bytes: number): boolean {
    return this.isLow && this.freeSpans < RESERVE + bytes / SPAN_BYTES;
  }

  /** Throws {@link HeapFull} where {@link lacks} says so: before each step of what has no bound, by who can give back what was made. */
  demand(bytes: number): void {
    if (this.isLow && this.lacks(bytes)) throw new HeapFull();
  }

  /** As demand(), of what is not refused as long as there is something: expiries, names, entries that are handed out. */
  insist(): void {
    if (this.isLow && this.freeSpans < CORE) throw new HeapFull();
  }

  /** From time to time: tries again to have a chunk more, for a machine may have memory again; and gives back what was used and is no more. */
  tend(): void {
    if (this.isLow) this.provide(true);
    if (this.seen !== 0 && ++this.seen > TENDED) {
      this.spare = undefined;
      this.seen = 0;
      this.provide();
    }
  }

  /** A block of at least `size` bytes, 1 to 2^32 - 1, with anything in it. */
  alloc(size: number): Ref {
    if (size > LARGEST_CLASS) return this.allocLarge(size);
    const wanted = CLASS_OF[(size + 7) >>> 3];
    const bytes = SIZES[wanted];
    const at = this.spanWithRoom(wanted, bytes);
    const number = (at / SPANS) | 0;
    const span = at % SPANS;
    const chunk = this.chunks[number] as Chunk;
    let offset = chunk.freed[span];
    if (offset !== 0) {
      offset--;
      chunk.freed[span] = this.words[number][(span * SPAN_BYTES + offset) >>> 2];
    } else {
      offset = chunk.touched[span];
      chunk.touched[span] = offset + bytes;
    }
    chunk.count[span]++;
    if (isFull(chunk, span, bytes)) this.partial[wanted].pop();
    this.used += bytes;
    return number * (UNIT_MASK + 1) + ((span * SPAN_BYTES + offset) >>> 3);
  }

  free(ref: Ref): void {
    const number = ref >>> UNIT_BITS;
    const chunk = this.chunks[number] as Chunk;
    const at = (ref & UNIT_MASK) << 3;
    const span = at >>> SPAN_BITS;
    const use = chunk.use[span];
    if (use < CLASS) {
      this.freeLarge(number, chunk, span);
      return;
    }
    const bytes = SIZES[use - CLASS];
    this.used -= bytes;
    const wasFull = isFull(chunk, span, bytes);
    this.words[number][at >>> 2] = chunk.freed[span];
    chunk.freed[span] = (at & (SPAN_BYTES - 1)) + 1;
    // A class keeps one span: who adds and removes one block takes and gives no span each time.
    const partial = this.partial[use - CLASS];
    if (--chunk.count[span] === 0 && partial.length > 1) this.giveSpans(number, chunk, span, 1);
    else if (wasFull) partial.push(number * SPANS + span);
  }

  /** Bytes that the block has room for. */
  capacity(ref: Ref): number {
    const chunk = this.chunks[ref >>> UNIT_BITS] as Chunk;
    const span = ((ref & UNIT_MASK) << 3) >>> SPAN_BITS;
    const use = chunk.use[span];
    if (use >= CLASS) return SIZES[use - CLASS];
    const own = this.bytes[ref >>> UNIT_BITS].length;
    return own === CHUNK_BYTES ? chunk.count[span] * SPAN_BYTES : own;
  }

  /** As capacity() of what alloc(size) would give. */
  capacityFor(size: number): number {
    if (size <= LARGEST_CLASS) return SIZES[CLASS_OF[(size + 7) >>> 3]];
    return Math.ceil(size / SPAN_BYTES) * SPAN_BYTES;
  }

  /**
   * The block with room for `size` bytes: itself where it is of that class, else another with the first `keep` bytes copied, and the old one
   * freed. Of a heap that is low what gets smaller stays: whoever deletes is not refused.
   */
  resize(ref: Ref, size: number, keep: number): Ref {
    return this.stays(ref, size) ? ref : this.move(ref, size, keep);
  }

  /** Whether resize() leaves the block where it is. */
  stays(ref: Ref, size: number): boolean {
    const had = this.capacity(ref);
    return had === this.capacityFor(size) || (this.isLow && had > size);
  }

  /** As resize(), of a block that goes on growing, up to `most`: it is given room for half as much again, and keeps up to twice what it needs. */
  resizeAhead(ref: Ref, size: number, keep: number, most: number): Ref {
    const had = this.capacity(ref);
    if (size <= had && (size * 2 > had || this.isLow)) return ref;
    return this.move(ref, Math.max(size, Math.min(size + (size >>> 1), most)), keep);
  }

  private move(ref: Ref, size: number, keep: number): Ref {
    const moved = this.alloc(size);
    copyBytes(
      this.bytes[ref >>> UNIT_BITS],
      (ref & UNIT_MASK) << 3,
      keep,
      this.bytes[moved >>> UNIT_BITS],
      (moved & UNIT_MASK) << 3,
    );
    this.free(ref);
    return moved;
  }

  // ---- spans ---------------------------------------------------------------------------------------------------------

  /** Of those named last the first that is still of the class and has room: what was given back is found out here. */
  private spanWithRoom(wanted: number, bytes: number): number {
    const partial = this.partial[wanted];
    for (; partial.length !== 0; partial.pop()) {
      const at = partial[partial.length - 1];
      const chunk = this.chunks[(at / SPANS) | 0];
      const span = at % SPANS;
      if (chunk !== undefined && chunk.use[span] === CLASS + wanted && !isFull(chunk, span, bytes)) return at;
    }
    return this.addSpan(wanted);
  }

  private addSpan(wanted: number): number {
    const at = this.takeSpans(1);
    const chunk = this.chunks[(at / SPANS) | 0] as Chunk;
    const span = at % SPANS;
    chunk.use[span] = CLASS + wanted;
    chunk.count[span] = 0;
    chunk.freed[span] = 0;
    chunk.touched[span] = 0;
    this.partial[wanted].push(at);
    return at;
  }

  /** `n` spans side by side; the first free ones of the chunk that was given some last. */
  private takeSpans(n: number): number {
    this.keepFirst();
    if (this.isLow && n > FEW && this.freeSpans - n < CORE) throw new HeapFull();
    for (let i = this.roomy.length; i-- !== 0; ) {
      const number = this.roomy[i];
      const chunk = this.chunks[number] as Chunk;
      const span = chunk.free < n ? -1 : runOf(chunk.use, n);
      if (span < 0) continue;
      chunk.free -= n;
      this.freeSpans -= n;
      if (this.freeSpans < AHEAD) this.provide();
      // One without free spans is named again when it has one: each is named once.
      if (chunk.free === 0) {
        this.roomy[i] = this.roomy[this.roomy.length - 1];
        this.roomy.pop();
      }
      return number * SPANS + span;
    }
    const number = this.addChunk(CHUNK_BYTES);
    const chunk = this.chunks[number] as Chunk;
    chunk.free -= n;
    this.freeSpans -= n;
    if (chunk.free !== 0) this.roomy.push(number);
    if (this.freeSpans < AHEAD) this.provide();
    return number * SPANS;
  }

  private giveSpans(number: number, chunk: Chunk, span: number, n: number): void {
    chunk.use.fill(FREE, span, span + n);
    chunk.free += n;
    this.freeSpans += n;
    if (chunk.free === SPANS && number !== 0) this.dropChunk(number);
    else if (chunk.free === n) this.roomy.push(number);
    if (this.isLow) this.provide();
  }

  private addChunk(bytes: number): number {
    const isUsual = bytes === CHUNK_BYTES;
    // Of the names one is the spare chunk's.
    const own = isUsual || this.spare === undefined ? 0 : 1;
    const buffer = (isUsual ? this.spare : undefined) ?? (this.live + own < this.most ? memory(bytes) : undefined);
    if (buffer === undefined) throw new HeapFull();
    const number = this.vacant.pop() ?? this.chunks.length;
    this.live++;
    this.chunks[number] = new Chunk();
    this.bytes[number] = withWords(new Uint8Array(buffer));
    this.words[number] = new Int32Array(buffer);
    this.doubles[number] = new Float64Array(buffer);
    this.reserved += bytes;
    if (isUsual) {
      this.freeSpans += SPANS;
      this.spare = undefined;
      this.seen = 0;
    }
    return number;
  }

  /** Has memory for the next chunk if it will soon be needed. Where there was none it is asked for only `again`: that takes long. */
  private provide(again = false): void {
    if (this.spare === undefined && this.freeSpans < AHEAD && this.live < this.most && (again || !this.isLow))
      this.spare = memory(CHUNK_BYTES);
    const isLow = this.spare === undefined && this.freeSpans < (this.isLow ? SPANS : AHEAD);
    if (isLow === this.isLow) return;
    this.isLow = isLow;
    this.onLow(isLow);
  }

  private dropChunk(number: number): void {
    const { length } = this.bytes[number];
    this.reserved -= length;
    this.live--;
    if (length === CHUNK_BYTES) {
      this.freeSpans -= SPANS;
      if (this.spare === undefined) {
        this.spare = this.bytes[number].buffer as ArrayBuffer;
        this.seen = 1;
      }
    }
    this.chunks[number] = undefined;
    this.bytes[number] = EMPTY_BYTES;
    this.words[number] = EMPTY_WORDS;
    this.doubles[number] = EMPTY_DOUBLES;
    this.roomy = this.roomy.filter((one) => one !== number);
    this.vacant.push(number);
    if (this.isLow) this.provide();
  }

  /** The first span of all is never handed out: the block at its start would have the Ref 0. */
  private keepFirst(): void {
    if (this.chunks.length !== 0) return;
    const chunk = this.chunks[this.addChunk(CHUNK_BYTES)] as Chunk;
    chunk.use[0] = MORE;
    chunk.free--;
    this.freeSpans--;
    this.roomy.push(0);
  }

  private allocLarge(size: number): Ref {
    this.keepFirst();
    const spans = Math.ceil(size / SPAN_BYTES);
    let at: number;
    if (spans > SPANS) {
      const number = this.addChunk(spans * SPAN_BYTES);
      (this.chunks[number] as Chunk).free = 0;
      at = number * SPANS;
    } else {
      at = this.takeSpans(spans);
    }
    const chunk = this.chunks[(at / SPANS) | 0] as Chunk;
    const span = at % SPANS;
    chunk.use[span] = LARGE;
    chunk.use.fill(MORE, span + 1, span + Math.min(spans, SPANS));
    chunk.count[span] = Math.min(spans, SPANS);
    this.used += spans * SPAN_BYTES;
    return ((at / SPANS) | 0) * (UNIT_MASK + 1) + ((span * SPAN_BYTES) >>> 3);
  }

  private freeLarge(number: number, chunk: Chunk, span: number): void {
    const own = this.bytes[number].length;
    if (own !== CHUNK_BYTES) {
      this.used -= own;
      this.dropChunk(number);
      return;
    }
    const spans = chunk.count[span];
    this.used -= spans * SPAN_BYTES;
    this.giveSpans(number, chunk, span, spans);
  }
}

/** Undefined: the machine has none. */
function memory(bytes: number): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const EMPTY_BYTES = withWords(new Uint8Array(0));
const EMPTY_WORDS = new Int32Array(0);
const EMPTY_DOUBLES = new Float64Array(0);

function isFull(chunk: Chunk, span: number, bytes: number): boolean {
  return chunk.freed[span] === 0 && chunk.touched[span] + bytes > SPAN_BYTES;
}

/** Where `n` free spans begin side by side, or -1. */
function runOf(use: Uint8Array, n: number): number {
  const first = use.indexOf(FREE);
  if (first < 0 || n === 1) return first;
  let run = 0;
  for (let span = first; span < SPANS; span++) {
    run = use[span] === FREE ? run + 1 : 0;
    if (run === n) return span - n + 1;
  }
  return -1;
}

/** The number of the chunk that a block lies in: of {@link Heap.bytes} and {@link Heap.words}. */
export const chunkOf = (ref: Ref): number => ref >>> UNIT_BITS;

/** Where in its chunk a block begins, in bytes. */
export const offsetOf = (ref: Ref): number => (ref & UNIT_MASK) << 3;
