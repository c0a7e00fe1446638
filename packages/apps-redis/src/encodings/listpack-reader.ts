/** A listpack that is walked and read: what {@link Listpack} changes. */

import { copyBytes, sameBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { readLatin1, writeLatin1 } from "../memory/latin1.js";
import { type Integer, parseInteger } from "../numbers/integers.js";
import {
  after,
  backSize,
  END,
  headSize,
  isIntegerHead,
  readBack,
  readInteger,
  SHORT_STRING,
  textSize,
} from "./listpack-entry.js";
import { HEAD_BYTES, UNKNOWN } from "./listpack-validate.js";

export class ListpackReader {
  ref: Ref = 0;
  /** The chunk that the block is in, and where it begins there. */
  bytes!: Uint8Array;
  base = 0;
  /** The same as words, of which the first of the block is its {@link byteLength}. */
  protected words!: Int32Array;
  protected heap!: Heap;

  open(heap: Heap, ref: Ref): this {
    this.heap = heap;
    this.moved(ref);
    return this;
  }

  get byteLength(): number {
    return this.words[this.base >>> 2] >>> 0;
  }

  /** Elements. From 65535 on the head does not say how many: then they are counted. */
  get length(): number {
    const said = this.count();
    if (said !== UNKNOWN) return said;
    let found = 0;
    for (let p = this.first(); p !== 0; p = this.next(p)) found++;
    if (found < UNKNOWN) this.setCount(found);
    return found;
  }

  // ---- where elements are ----------------------------------------------------------------------------------------------

  first(): number {
    return this.bytes[this.base + HEAD_BYTES] === END ? 0 : HEAD_BYTES;
  }

  last(): number {
    return this.prev(this.byteLength - 1);
  }

  next(p: number): number {
    const at = after(this.bytes, this.base + p);
    return this.bytes[at] === END ? 0 : at - this.base;
  }

  prev(p: number): number {
    if (p === HEAD_BYTES) return 0;
    const size = readBack(this.bytes, this.base + p);
    return p - size - backSize(size);
  }

  /** The element with this index, walking from the nearer end; -1 is the last one's. */
  seek(index: number): number {
    const count = this.count();
    let rest = index;
    if (count !== UNKNOWN) {
      if (rest < 0) rest += count;
      if (rest < 0 || rest >= count) return 0;
      if (rest > count >> 1) rest -= count;
    }
    if (rest < 0) {
      let p = this.last();
      for (; rest < -1 && p !== 0; rest++) p = this.prev(p);
      return p;
    }
    let p = this.first();
    for (; rest > 0 && p !== 0; rest--) p = this.next(p);
    return p;
  }

  /**
   * The first element from `p` on with this text, looking at one and skipping `skip` in turn; 0 without. An element that is held as an integer
   * is compared as one.
   */
  find(text: Uint8Array, offset: number, length: number, skip = 0, p: number = this.first()): number {
    if (p === 0) return 0;
    const bytes = this.bytes;
    let wanted: Integer | undefined;
    let isParsed = false;
    let skipped = 0;
    // Texts that differ mostly do so at their end: that of a short one is looked at first. (An empty one ends with its head.)
    const last = length === 0 ? SHORT_STRING : text[offset + length - 1];
    for (let at = this.base + p; ; ) {
      const head = bytes[at];
      if (head === END) return 0;
      const isShort = (head & 0xc0) === SHORT_STRING;
      if (skipped !== 0) {
        skipped--;
      } else {
        skipped = skip;
        if (isShort) {
          if ((head & 0x3f) === length && bytes[at + length] === last && sameBytes(bytes, at + 1, text, offset, length))
            return at - this.base;
        } else if (isIntegerHead(head)) {
          if (!isParsed) {
            wanted = parseInteger(text, offset, length);
            isParsed = true;
          }
          if (wanted !== undefined && readInteger(bytes, at) === wanted) return at - this.base;
        } else if (textSize(bytes, at) === length) {
          if (sameBytes(bytes, at + headSize(head), text, offset, length)) return at - this.base;
        }
      }
      at = isShort ? at + 2 + (head & 0x3f) : after(bytes, at);
    }
  }

  // ---- what an element is ----------------------------------------------------------------------------------------------

  /** Whether it is held as an integer. */
  isInteger(p: number): boolean {
    return isIntegerHead(this.bytes[this.base + p]);
  }

  /** Of an element that is held as an integer. */
  integer(p: number): Integer {
    return readInteger(this.bytes, this.base + p);
  }

  /** Its text, also of an integer. */
  string(p: number): string {
    const { bytes } = this;
    const at = this.base + p;
    if (isIntegerHead(bytes[at])) return String(readInteger(bytes, at));
    const start = at + headSize(bytes[at]);
    return readLatin1(bytes, start, start + textSize(bytes, at));
  }

  /** Of one that is held as a string: where its text begins in {@link bytes}. */
  textStart(p: number): number {
    const at = this.base + p;
    return at + headSize(this.bytes[at]);
  }

  /** Bytes of its text. */
  size(p: number): number {
    const at = this.base + p;
    return isIntegerHead(this.bytes[at]) ? String(readInteger(this.bytes, at)).length : textSize(this.bytes, at);
  }

  /** Writes its text from `at` on, and returns how many bytes that is. */
  copyTo(p: number, target: Uint8Array, at: number): number {
    const { bytes } = this;
    const from = this.base + p;
    if (isIntegerHead(bytes[from])) {
      const text = String(readInteger(bytes, from));
      writeLatin1(target, at, text);
      return text.length;
    }
    const length = textSize(bytes, from);
    copyBytes(bytes, from + headSize(bytes[from]), length, target, at);
    return length;
  }

  /** Whether its text is this. */
  equals(p: number, text: Uint8Array, offset: number, length: number): boolean {
    const { bytes } = this;
    const at = this.base + p;
    if (isIntegerHead(bytes[at])) return readInteger(bytes, at) === parseInteger(text, offset, length);
    return textSize(bytes, at) === length && sameBytes(bytes, at + headSize(bytes[at]), text, offset, length);
  }

  protected moved(ref: Ref): void {
    this.ref = ref;
    const chunk = chunkOf(ref);
    this.bytes = this.heap.bytes[chunk];
    this.words = this.heap.words[chunk];
    this.base = offsetOf(ref);
  }

  protected count(): number {
    return this.bytes[this.base + 4] | (this.bytes[this.base + 5] << 8);
  }

  protected setCount(count: number): void {
    this.bytes[this.base + 4] = count;
    this.bytes[this.base + 5] = count >> 8;
  }
}
