/** The array of a hash table: heads of chains, in pieces that are made when first written to, so that a large table costs no pause to make. */
import type { Ref } from "./heap.js";

const PIECE_BITS = 15;
const PIECE = 1 << PIECE_BITS;

export class Buckets {
  readonly mask: number;
  private readonly pieces: (Uint32Array | undefined)[];
  private readonly piece: number;

  /** `capacity`: a power of two. */
  constructor(capacity: number) {
    this.mask = capacity - 1;
    this.piece = Math.min(capacity, PIECE);
    // Of just this length: an array that grows has room for 16 more, and there may be a table for each of many keys.
    this.pieces = new Array(Math.ceil(capacity / PIECE)).fill(undefined);
  }

  get capacity(): number {
    return this.mask + 1;
  }

  /** Of the pieces that are there. */
  bytes = 0;

  get(at: number): Ref {
    const piece = this.pieces[at >>> PIECE_BITS];
    return piece === undefined ? 0 : piece[at & (PIECE - 1)];
  }

  set(at: number, ref: Ref): void {
    this.pieceFor(at)[at & (PIECE - 1)] = ref;
  }

  /** The piece that a bucket is in, which is made if it is not there. */
  pieceFor(at: number): Uint32Array {
    return this.pieces[at >>> PIECE_BITS] ?? this.makePiece(at >>> PIECE_BITS);
  }

  /** Puts `ref` into a bucket of this piece, and returns what was there. */
  swap(piece: Uint32Array, at: number, ref: Ref): Ref {
    const had = piece[at & (PIECE - 1)];
    piece[at & (PIECE - 1)] = ref;
    return had;
  }

  /** Whether all buckets can be written that records of bucket `at` of a table of `capacity` have here; false: the machine has no memory. */
  hasRoomFor(at: number, capacity: number): boolean {
    for (let own = at & this.mask; own <= this.mask; own += capacity) {
      if (this.pieces[own >>> PIECE_BITS] !== undefined) continue;
      try {
        this.makePiece(own >>> PIECE_BITS);
      } catch (error) {
        if (error instanceof RangeError) return false;
        throw error;
      }
    }
    return true;
  }

  private makePiece(number: number): Uint32Array {
    const piece = new Uint32Array(this.piece);
    this.bytes += piece.byteLength;
    this.pieces[number] = piece;
    return piece;
  }

  /** What is before `at` is not asked for again. */
  forget(at: number): void {
    if ((at & (PIECE - 1)) !== 0 || at === 0) return;
    const piece = (at >>> PIECE_BITS) - 1;
    this.bytes -= this.pieces[piece]?.byteLength ?? 0;
    this.pieces[piece] = undefined;
  }
}
