/**
 * Redis's intset: a sorted array of integers in one block, all of 16, 32 or 64 bits as the widest needs. Its bytes are the ones that
 * redis-server has: the bytes of an integer in 32 bits, how many there are in 32 bits, the integers.
 *
 * One Intset serves any number of blocks, one after the other: open() binds it to one. After a change the block may be another
 * ({@link Intset.ref}).
 */

import { copyBytes, moveBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { fromHalves, highHalf, type Integer, lowHalf } from "../numbers/integers.js";

const HEAD_BYTES = 8;
/** Words of the head. */
const HEAD_WORDS = 2;

export class Intset {
  ref: Ref = 0;
  /** The chunk that the block is in, and where it begins there. */
  bytes!: Uint8Array;
  base = 0;
  private heap!: Heap;
  private words!: Int32Array;
  /** Where the block begins in words. */
  private word = 0;

  open(heap: Heap, ref: Ref): this {
    this.heap = heap;
    this.moved(ref);
    return this;
  }

  /** Binds it to a new block without integers. */
  create(heap: Heap): this {
    this.open(heap, heap.alloc(HEAD_BYTES));
    this.words[this.word] = 2;
    this.words[this.word + 1] = 0;
    return this;
  }

  /** Binds it to a new block with a copy of these bytes, which are an intset: see {@link validateIntset}. */
  copyFrom(heap: Heap, bytes: Uint8Array, offset: number, length: number): this {
    this.open(heap, heap.alloc(length));
    copyBytes(bytes, offset, length, this.bytes, this.base);
    return this;
  }

  get length(): number {
    return this.words[this.word + 1] >>> 0;
  }

  get byteLength(): number {
    return HEAD_BYTES + this.length * this.width;
  }

  get(index: number): Integer {
    return this.read(index, this.width);
  }

  has(value: Integer): boolean {
    return widthOf(value) <= this.width && this.search(value) >= 0;
  }

  /** Whether it was not there before. */
  add(value: Integer): boolean {
    const width = widthOf(value);
    const count = this.length;
    if (width > this.width) {
      this.widen(width, value);
      return true;
    }
    const found = this.search(value);
    if (found >= 0) return false;
    const index = -1 - found;
    const own = this.width;
    this.resize(count, count + 1);
    this.moveTail(index, index + 1, count);
    this.write(index, own, value);
    return true;
  }

  /** Whether it was there. */
  remove(value: Integer): boolean {
    const index = widthOf(value) <= this.width ? this.search(value) : -1;
    if (index < 0) return false;
    const count = this.length;
    this.moveTail(index + 1, index, count);
    this.resize(count, count - 1);
    return true;
  }

  random(): Integer {
    return this.get(Math.floor(Math.random() * this.length));
  }

  /** Where the value is; where it would have to be is given as -1 - index. */
  private search(value: Integer): number {
    const width = this.width;
    let low = 0;
    let high = this.length - 1;
    // What is added in order has its place at the end.
    if (high >= 0 && value > this.read(high, width)) return -2 - high;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const there = this.read(middle, width);
      if (value > there) low = middle + 1;
      else if (value < there) high = middle - 1;
      else return middle;
    }
    return -1 - low;
  }

  /** Bytes of each integer. */
  private get width(): number {
    return this.words[this.word];
  }

  private read(index: number, width: number): Integer {
    if (width === 4) return this.words[this.word + HEAD_WORDS + index];
    if (width === 2) {
      const at = this.base + HEAD_BYTES + 2 * index;
      return ((this.bytes[at] | (this.bytes[at + 1] << 8)) << 16) >> 16;
    }
    const at = this.word + HEAD_WORDS + 2 * index;
    return fromHalves(this.words[at], this.words[at + 1]);
  }

  private write(index: number, width: number, value: Integer): void {
    if (width === 4) {
      this.words[this.word + HEAD_WORDS + index] = value as number;
    } else if (width === 2) {
      const at = this.base + HEAD_BYTES + 2 * index;
      this.bytes[at] = value as number;
      this.bytes[at + 1] = (value as number) >> 8;
    } else {
      const at = this.word + HEAD_WORDS + 2 * index;
      this.words[at] = lowHalf(value);
      this.words[at + 1] = highHalf(value);
    }
  }

  /** Adds a value that is wider than all others, and so before or behind them. */
  private widen(width: number, value: Integer): void {
    const count = this.length;
    const old = this.width;
    const shift = value < 0 ? 1 : 0;
    const ref = this.heap.resize(this.ref, HEAD_BYTES + (count + 1) * width, HEAD_BYTES + count * old);
    if (ref !== this.ref) this.moved(ref);
    this.words[this.word] = width;
    this.words[this.word + 1] = count + 1;
    // From the last: none is overwritten before it is read.
    for (let i = count - 1; i >= 0; i--) this.write(i + shift, width, this.read(i, old));
    this.write(shift === 1 ? 0 : count, width, value);
  }

  private moveTail(from: number, to: number, count: number): void {
    const width = this.width;
    const start = this.base + HEAD_BYTES;
    moveBytes(this.bytes, start + to * width, start + from * width, start + count * width);
  }

  private resize(old: number, count: number): void {
    const ref = this.heap.resize(
      this.ref,
      HEAD_BYTES + count * this.width,
      HEAD_BYTES + Math.min(old, count) * this.width,
    );
    if (ref !== this.ref) this.moved(ref);
    this.words[this.word + 1] = count;
  }

  private moved(ref: Ref): void {
    const chunk = chunkOf(ref);
    this.ref = ref;
    this.bytes = this.heap.bytes[chunk];
    this.words = this.heap.words[chunk];
    this.base = offsetOf(ref);
    this.word = this.base >>> 2;
  }
}

function widthOf(value: Integer): number {
  if (value < -2147483648 || value > 2147483647) return 8;
  return value < -32768 || value > 32767 ? 4 : 2;
}

/** Whether these bytes of whoever sent them are an intset: that its size is right, and with `deep` also that the integers ascend. */
export function validateIntset(bytes: Uint8Array, offset: number, length: number, deep: boolean): boolean {
  if (length < HEAD_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  const width = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  if (width !== 2 && width !== 4 && width !== 8) return false;
  if (count === 0 || HEAD_BYTES + count * width !== length) return false;
  if (!deep) return true;
  const read = (at: number) =>
    width === 2 ? view.getInt16(at, true) : width === 4 ? view.getInt32(at, true) : view.getBigInt64(at, true);
  let last = read(HEAD_BYTES);
  for (let at = HEAD_BYTES + width; at < length; at += width) {
    const next = read(at);
    if (next <= last) return false;
    last = next;
  }
  return true;
}
