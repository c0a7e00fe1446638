/** A HyperLogLog where it lies: a string of the keyspace, sparse or dense. */
import type { Db } from "../../keyspace/db.js";
import { Encoding, Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { fromHalves, highHalf, type Integer, lowHalf } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";
import { DENSE_BYTES, denseHistogram, HEADER_BYTES, mergeDense, raiseDense } from "./dense.js";
import { estimate, newHistogram } from "./estimate.js";
import {
  mergeSparse,
  type Place,
  raiseSparse,
  SPARSE_ROOM,
  sparseHistogram,
  sparseToDense,
  TOO_LARGE,
  UNCHANGED,
} from "./sparse.js";

export const CORRUPTED = "INVALIDOBJ Corrupted HLL object detected";
const NOT_VALID = "WRONGTYPE Key is not a valid HyperLogLog string value.";

const DENSE = 0;
const SPARSE = 1;
/** Of the header: the form; the count, eight bytes, of which the highest bit says that it must be worked out again. */
const FORM = 4;
const COUNT = 8;
const STALE = 15;
/** "HYLL", sparse, and one run of 16384 zeros. */
const EMPTY = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", "latin1");

export class Sketch {
  private db!: Db;
  private ref: Ref = 0;
  bytes!: Uint8Array;
  at = 0;
  length = 0;

  open(db: Db, ref: Ref): this {
    this.db = db;
    this.moved(ref);
    this.length = db.stringLength(ref);
    return this;
  }

  get isSparse(): boolean {
    return this.bytes[this.at + FORM] === SPARSE;
  }

  /** As open(), for who will change it. */
  openRaw(db: Db, ref: Ref): this {
    db.setEncoding(ref, Encoding.RAW);
    return this.open(db, ref);
  }

  /** Makes a register what `count` is, if that is more: whether it was; undefined: the value is corrupted. */
  raise(register: number, count: number, mostSparse: number, last?: Place): boolean | undefined {
    if (!this.isSparse) return raiseDense(this.bytes, this.at + HEADER_BYTES, register, count);
    const { db, length } = this;
    this.moved(db.setStringLength(this.ref, length + SPARSE_ROOM, SPARSE_ROOM));
    const result = raiseSparse(this.bytes, this.at, length, register, count, mostSparse, last);
    if (result > 0) this.length = result;
    // Its room is left to it.
    db.setStringLength(this.ref, this.length, SPARSE_ROOM);
    if (result > 0) this.invalidate();
    if (result === TOO_LARGE) {
      if (!this.toDense()) return undefined;
      raiseDense(this.bytes, this.at + HEADER_BYTES, register, count);
      return true;
    }
    return result >= UNCHANGED ? result !== UNCHANGED : undefined;
  }

  /** False: it is corrupted, and stays as it is. */
  toDense(): boolean {
    if (!this.isSparse) return true;
    const dense = new Uint8Array(DENSE_BYTES);
    if (!sparseToDense(this.bytes, this.at, this.length, dense)) return false;
    this.moved(this.db.setStringLength(this.ref, DENSE_BYTES));
    this.length = DENSE_BYTES;
    this.bytes.set(dense, this.at);
    return true;
  }

  invalidate(): void {
    this.bytes[this.at + STALE] |= 0x80;
  }

  /** The count that was last worked out, if it is right still. */
  get cached(): Integer | undefined {
    if (this.bytes[this.at + STALE] & 0x80) return undefined;
    return fromHalves(this.word(COUNT), this.word(COUNT + 4));
  }

  cache(count: Integer): void {
    for (let n = 0; n < 4; n++) {
      this.bytes[this.at + COUNT + n] = lowHalf(count) >> (n * 8);
      this.bytes[this.at + COUNT + 4 + n] = highHalf(count) >> (n * 8);
    }
  }

  /** Works the count out; undefined: the value is corrupted. */
  count(): Integer | undefined {
    const histogram = newHistogram();
    if (!this.isSparse) denseHistogram(this.bytes, this.at + HEADER_BYTES, histogram);
    else if (!sparseHistogram(this.bytes, this.at, this.length, histogram)) return undefined;
    return estimate(histogram);
  }

  /** Raises each of the registers in `most`, a byte each. False: the value is corrupted. */
  mergeInto(most: Uint8Array): boolean {
    if (this.isSparse) return mergeSparse(this.bytes, this.at, this.length, most);
    mergeDense(this.bytes, this.at + HEADER_BYTES, most);
    return true;
  }

  private moved(ref: Ref): void {
    this.ref = ref;
    this.bytes = this.db.heap.bytes[chunkOf(ref)];
    this.at = this.db.stringAt(ref);
  }

  private word(offset: number): number {
    const { bytes } = this;
    const at = this.at + offset;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }
}

/** One, reused. */
export const sketch = new Sketch();

/** Whether the record is a HyperLogLog, as far as its header tells; if not, that was replied. */
export function isSketch(call: Call, ref: Ref): boolean {
  const { db, reply } = call;
  if (db.typeOf(ref) !== Type.STRING) {
    call.wrongType();
    return false;
  }
  const length = db.stringLength(ref);
  const bytes = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref);
  let isValid = length >= HEADER_BYTES;
  for (let n = 0; n < FORM; n++) isValid &&= bytes[at + n] === EMPTY[n];
  if (isValid && (bytes[at + FORM] === SPARSE || (bytes[at + FORM] === DENSE && length === DENSE_BYTES))) return true;
  reply.error(NOT_VALID);
  return false;
}

/** A new one, without elements, for a key that is not there. */
export function addSketch(db: Db, key: Uint8Array, at: number, length: number): Ref {
  const ref = db.addString(key, at, length, EMPTY.length, Encoding.RAW);
  db.heap.bytes[chunkOf(ref)].set(EMPTY, db.stringAt(ref));
  return ref;
}
