/** Elements that are added behind a listpack's last one together: it grows once. */

import { copyBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { type Integer, parseInteger } from "../numbers/integers.js";
import {
  backSize,
  END,
  integerSize,
  stringHeadSize,
  writeBack,
  writeInteger,
  writeStringHead,
} from "./listpack-entry.js";
import { UNKNOWN } from "./listpack-validate.js";

export class ListpackBatch {
  private count = 0;
  private total = 0;
  /** Of each element: its integer, or where its text is. */
  private readonly integers: (Integer | undefined)[] = [];
  private readonly begins: number[] = [];
  private readonly lengths: number[] = [];

  begin(): this {
    this.count = 0;
    this.total = 0;
    return this;
  }

  /** Bytes that they take. */
  get bytes(): number {
    return this.total;
  }

  integer(value: Integer): void {
    const size = integerSize(value);
    this.integers[this.count++] = value;
    this.total += size + backSize(size);
  }

  text(bytes: Uint8Array, at: number, length: number): void {
    const value = parseInteger(bytes, at, length);
    if (value !== undefined) return this.integer(value);
    const size = stringHeadSize(length) + length;
    this.integers[this.count] = undefined;
    this.begins[this.count] = at;
    this.lengths[this.count++] = length;
    this.total += size + backSize(size);
  }

  /** Adds all to a listpack; texts are in `source`. Returns the block that the listpack is in now. */
  appendTo(heap: Heap, ref: Ref, source: Uint8Array): Ref {
    let bytes = heap.bytes[chunkOf(ref)];
    let base = offsetOf(ref);
    const old = (bytes[base] | (bytes[base + 1] << 8) | (bytes[base + 2] << 16) | (bytes[base + 3] << 24)) >>> 0;
    const size = old + this.total;
    const now = heap.resize(ref, size, old);
    bytes = heap.bytes[chunkOf(now)];
    base = offsetOf(now);
    let at = base + old - 1;
    for (let i = 0; i < this.count; i++) at = this.write(i, bytes, at, source);
    bytes[at] = END;
    for (let i = 0; i < 4; i++) bytes[base + i] = size >>> (8 * i);
    const had = bytes[base + 4] | (bytes[base + 5] << 8);
    const count = had === UNKNOWN ? UNKNOWN : Math.min(had + this.count, UNKNOWN);
    bytes[base + 4] = count;
    bytes[base + 5] = count >> 8;
    return now;
  }

  private write(i: number, bytes: Uint8Array, at: number, source: Uint8Array): number {
    const value = this.integers[i];
    let size: number;
    if (value !== undefined) {
      size = integerSize(value);
      writeInteger(bytes, at, value, size);
    } else {
      const length = this.lengths[i];
      const head = stringHeadSize(length);
      size = head + length;
      writeStringHead(bytes, at, length);
      copyBytes(source, this.begins[i], length, bytes, at + head);
    }
    writeBack(bytes, at + size, size);
    return at + size + backSize(size);
  }
}
