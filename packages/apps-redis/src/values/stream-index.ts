/**
 * Blocks of the heap by a {@link StreamId}, in its order: the nodes of a stream, and entries that are pending. A sorted list of pieces, each a
 * block with the ids and what they name side by side, so that millions of them are nothing for the garbage collector.
 *
 * | word | what |
 * |---|---|
 * | 0 | entries of the piece |
 * | 1 + 5n... | an id as four words from the highest, then a Ref |
 *
 * Where an entry is is a position, good until the next change.
 */
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import type { StreamId } from "./stream-id.js";

const WORDS = 5;
/** Entries of a piece: then it has 1280 bytes, which is a size class of the heap. */
const MOST = 63;
const STEP_BITS = 6;
const STEP = 1 << STEP_BITS;
/** Pieces with fewer are joined with a neighbour, if both together are not nearly full. */
const FEW = 16;
const JOINED = 48;
/** Entries that a new piece has room for. */
const FIRST_ROOM = 3;
export const NONE = -1;

export class StreamIndex {
  size = 0;
  private readonly pieces: Ref[] = [];

  constructor(private readonly heap: Heap) {}

  // ---- positions -------------------------------------------------------------------------------------------------------

  first(): number {
    return this.size === 0 ? NONE : 0;
  }

  last(): number {
    const last = this.pieces.length - 1;
    return this.size === 0 ? NONE : last * STEP + this.count(last) - 1;
  }

  next(position: number): number {
    const piece = position >>> STEP_BITS;
    if ((position & (STEP - 1)) + 1 < this.count(piece)) return position + 1;
    return piece + 1 < this.pieces.length ? (piece + 1) * STEP : NONE;
  }

  prev(position: number): number {
    if ((position & (STEP - 1)) !== 0) return position - 1;
    const piece = (position >>> STEP_BITS) - 1;
    return piece < 0 ? NONE : piece * STEP + this.count(piece) - 1;
  }

  /** The first that is not before `id`. */
  atOrAfter(id: StreamId): number {
    const before = this.atOrBefore(id);
    if (before === NONE) return this.first();
    return this.compareAt(before, id) === 0 ? before : this.next(before);
  }

  /** The last that is not behind `id`. */
  atOrBefore(id: StreamId): number {
    const piece = this.pieceOf(id);
    if (piece < 0) return NONE;
    return piece * STEP + this.slotOf(piece, id);
  }

  idAt(position: number, into: StreamId): StreamId {
    const words = this.wordsOf(position);
    const at = this.wordAt(position);
    return into.set(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  refAt(position: number): Ref {
    return this.wordsOf(position)[this.wordAt(position) + 4] >>> 0;
  }

  setRefAt(position: number, ref: Ref): void {
    this.wordsOf(position)[this.wordAt(position) + 4] = ref;
  }

  /** What an id names, or 0. */
  find(id: StreamId): Ref {
    const position = this.positionOf(id);
    return position === NONE ? 0 : this.refAt(position);
  }

  positionOf(id: StreamId): number {
    const position = this.atOrBefore(id);
    return position === NONE || this.compareAt(position, id) !== 0 ? NONE : position;
  }

  // ---- changes -----------------------------------------------------------------------------------------------------------

  /** Adds one whose id is not there. */
  add(id: StreamId, ref: Ref): void {
    let piece = Math.max(this.pieceOf(id), 0);
    let slot = 0;
    if (this.pieces.length === 0) this.pieces.push(this.newPiece(FIRST_ROOM));
    else slot = this.slotOf(piece, id) + 1;
    if (this.count(piece) === MOST) {
      if (slot === MOST && piece === this.pieces.length - 1) {
        // Ids mostly come in order: full pieces stay full.
        this.pieces.push(this.newPiece(FIRST_ROOM));
        piece++;
        slot = 0;
      } else {
        const kept = (MOST + 1) >> 1;
        this.split(piece, kept);
        if (slot > kept) {
          piece++;
          slot -= kept;
        }
      }
    }
    this.insert(piece, slot, id, ref);
  }

  /** Takes an id out and returns what it named: 0 if it was not there. */
  remove(id: StreamId): Ref {
    const position = this.positionOf(id);
    if (position === NONE) return 0;
    const ref = this.refAt(position);
    this.removeAt(position);
    return ref;
  }

  removeAt(position: number): void {
    const piece = position >>> STEP_BITS;
    const block = this.pieces[piece];
    const words = this.heap.words[chunkOf(block)];
    const base = offsetOf(block) >>> 2;
    const count = words[base];
    const at = base + 1 + (position & (STEP - 1)) * WORDS;
    words.copyWithin(at, at + WORDS, base + 1 + count * WORDS);
    words[base] = count - 1;
    this.size--;
    if (count === 1) {
      this.heap.free(block);
      this.pieces.splice(piece, 1);
    } else if (count - 1 < FEW) {
      if (piece + 1 < this.pieces.length) this.join(piece);
      else if (piece > 0) this.join(piece - 1);
    }
  }

  /** Takes the last out, at most `most` of them, each told; true when none is left. */
  drain(most: number, each: (ref: Ref) => void): boolean {
    for (let done = 0; this.size !== 0 && done < most; done++) {
      const last = this.last();
      const ref = this.refAt(last);
      this.removeAt(last);
      each(ref);
    }
    return this.size === 0;
  }

  /** Gives one that is empty all ids, with what `copied` makes of what each names. */
  copyTo(made: StreamIndex, copied: (ref: Ref, id: StreamId) => Ref, id: StreamId): void {
    for (let at = this.first(); at !== NONE; at = this.next(at)) {
      this.idAt(at, id);
      made.add(id, copied(this.refAt(at), id));
    }
  }

  bytes(): number {
    return this.pieces.length * (8 + (this.pieces.length === 0 ? 0 : this.heap.capacity(this.pieces[0])));
  }

  // ---- pieces --------------------------------------------------------------------------------------------------------------

  private wordsOf(position: number): Int32Array {
    return this.heap.words[chunkOf(this.pieces[position >>> STEP_BITS])];
  }

  private wordAt(position: number): number {
    return (offsetOf(this.pieces[position >>> STEP_BITS]) >>> 2) + 1 + (position & (STEP - 1)) * WORDS;
  }

  private count(piece: number): number {
    const block = this.pieces[piece];
    return this.heap.words[chunkOf(block)][offsetOf(block) >>> 2];
  }

  private setCount(piece: number, count: number): void {
    const block = this.pieces[piece];
    this.heap.words[chunkOf(block)][offsetOf(block) >>> 2] = count;
  }

  private compareAt(position: number, id: StreamId): number {
    return compareWords(this.wordsOf(position), this.wordAt(position), id);
  }

  /** The last piece that does not begin behind `id`, or -1. */
  private pieceOf(id: StreamId): number {
    let low = 0;
    let high = this.pieces.length;
    // Ids mostly come in order.
    if (high !== 0 && this.compareAt((high - 1) * STEP, id) <= 0) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareAt(middle * STEP, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The last of a piece that is not behind `id`, or -1. */
  private slotOf(piece: number, id: StreamId): number {
    const block = this.pieces[piece];
    const words = this.heap.words[chunkOf(block)];
    const base = offsetOf(block) >>> 2;
    let low = 0;
    let high = words[base];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareWords(words, base + 1 + middle * WORDS, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private newPiece(room: number): Ref {
    const block = this.heap.alloc(pieceBytes(room));
    this.heap.words[chunkOf(block)][offsetOf(block) >>> 2] = 0;
    return block;
  }

  private insert(piece: number, slot: number, id: StreamId, ref: Ref): void {
    const count = this.count(piece);
    this.roomFor(piece, count + 1);
    const block = this.pieces[piece];
    const words = this.heap.words[chunkOf(block)];
    const base = offsetOf(block) >>> 2;
    const at = base + 1 + slot * WORDS;
    if (slot < count) words.copyWithin(at + WORDS, at, base + 1 + count * WORDS);
    words[at] = id.msHigh;
    words[at + 1] = id.msLow;
    words[at + 2] = id.seqHigh;
    words[at + 3] = id.seqLow;
    words[at + 4] = ref;
    words[base] = count + 1;
    this.size++;
  }

  private roomFor(piece: number, entries: number): void {
    const block = this.pieces[piece];
    if (this.heap.capacity(block) >= pieceBytes(entries)) return;
    const wanted = Math.min(MOST, entries * 2);
    this.pieces[piece] = this.heap.resize(block, pieceBytes(wanted), pieceBytes(this.count(piece)));
  }

  /** All but the first `kept` go into a piece of their own. */
  private split(piece: number, kept: number): void {
    const count = this.count(piece);
    this.pieces.splice(piece + 1, 0, this.newPiece(MOST));
    this.move(piece, kept, piece + 1, 0, count - kept);
    this.setCount(piece, kept);
    this.setCount(piece + 1, count - kept);
  }

  private join(piece: number): void {
    const [count, more] = [this.count(piece), this.count(piece + 1)];
    // Who takes entries away needs no memory.
    if (count + more > JOINED || this.heap.isLow) return;
    this.roomFor(piece, count + more);
    this.move(piece + 1, 0, piece, count, more);
    this.setCount(piece, count + more);
    this.heap.free(this.pieces[piece + 1]);
    this.pieces.splice(piece + 1, 1);
  }

  private move(from: number, slot: number, to: number, toSlot: number, count: number): void {
    const source = this.heap.words[chunkOf(this.pieces[from])];
    const at = this.wordAt(from * STEP + slot);
    const target = this.heap.words[chunkOf(this.pieces[to])];
    target.set(source.subarray(at, at + count * WORDS), this.wordAt(to * STEP + toSlot));
  }
}

const pieceBytes = (entries: number): number => 4 * (1 + entries * WORDS);

function compareWords(words: Int32Array, at: number, id: StreamId): number {
  return (
    (words[at] >>> 0) - id.msHigh ||
    (words[at + 1] >>> 0) - id.msLow ||
    (words[at + 2] >>> 0) - id.seqHigh ||
    (words[at + 3] >>> 0) - id.seqLow
  );
}
