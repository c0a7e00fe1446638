/** The records of a database that expire, in no order: a random one costs nothing, and a record knows its own place. */
import type { Heap, Ref } from "../memory/heap.js";
import { expiryPlace, setExpiryPlace } from "../memory/record.js";

const PIECE_BITS = 15;
const PIECE = 1 << PIECE_BITS;

export class ExpiryIndex {
  size = 0;
  private readonly pieces: Uint32Array[] = [];

  constructor(private readonly heap: Heap) {}

  at(place: number): Ref {
    return this.pieces[place >>> PIECE_BITS][place & (PIECE - 1)];
  }

  /** Memory for one more, so that add() has it. */
  prepare(): void {
    if (this.size >>> PIECE_BITS === this.pieces.length) this.pieces.push(new Uint32Array(PIECE));
  }

  add(ref: Ref): void {
    this.prepare();
    this.put(this.size++, ref);
  }

  /** The last takes the place of the one that goes. */
  remove(ref: Ref): void {
    this.removeAt(expiryPlace(this.heap, ref));
  }

  removeAt(place: number): void {
    const last = this.at(--this.size);
    if (place !== this.size) this.put(place, last);
    if (this.pieces.length > (this.size >>> PIECE_BITS) + 2) this.pieces.pop();
  }

  /** The record has moved, its place with it. */
  moved(ref: Ref): void {
    this.put(expiryPlace(this.heap, ref), ref);
  }

  clear(): void {
    this.size = 0;
    this.pieces.length = 0;
  }

  private put(place: number, ref: Ref): void {
    this.pieces[place >>> PIECE_BITS][place & (PIECE - 1)] = ref;
    setExpiryPlace(this.heap, ref, place);
  }
}
