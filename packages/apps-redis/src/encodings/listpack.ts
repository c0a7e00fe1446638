/**
 * Redis's listpack: strings and integers packed side by side in one block, which is how small hashes, lists, sorted sets and the nodes of large
 * lists and streams are held. Its bytes are the ones that redis-server has, since DUMP hands them out.
 *
 * One Listpack serves any number of blocks, one after the other: open() binds it to one. An element is named by where it begins in its block,
 * from 1 on; 0 is none. After a change the block may be another ({@link Listpack.ref}) and elements lie elsewhere: go on from what the change
 * returned. Bytes to be added must not lie in the same listpack.
 */

import { copyBytes, moveBytes } from "../memory/bytes.js";
import type { Heap, Ref } from "../memory/heap.js";
import { writeLatin1 } from "../memory/latin1.js";
import { type Integer, parseInteger, parseIntegerText } from "../numbers/integers.js";
import {
  after,
  backSize,
  END,
  integerSize,
  stringHeadSize,
  writeBack,
  writeInteger,
  writeStringHead,
} from "./listpack-entry.js";
import { ListpackReader } from "./listpack-reader.js";
import { HEAD_BYTES, UNKNOWN } from "./listpack-validate.js";

/** Redis adds nothing to a listpack that would grow beyond this. */
const SAFE_BYTES = 2 ** 30;
const MOST_BYTES = 2 ** 32 - 1;

export class Listpack extends ListpackReader {
  /** `ahead`: bytes up to which a block is given room for more than it needs, of those that grow one element after the other; 0 for none. */
  constructor(private readonly ahead = 0) {
    super();
  }

  /** Binds it to a new block without elements. */
  create(heap: Heap): this {
    this.open(heap, heap.alloc(HEAD_BYTES + 1));
    this.setBytes(HEAD_BYTES + 1);
    this.setCount(0);
    this.bytes[this.base + HEAD_BYTES] = END;
    return this;
  }

  /** Binds it to a new block with a copy of these bytes, which are a listpack: see {@link validateListpack}. */
  copyFrom(heap: Heap, bytes: Uint8Array, offset: number, length: number): this {
    this.open(heap, heap.alloc(length));
    copyBytes(bytes, offset, length, this.bytes, this.base);
    return this;
  }

  /** Whether Redis would still add `more` bytes. */
  safeToAdd(more: number): boolean {
    return this.byteLength + more <= SAFE_BYTES;
  }

  // ---- changes: each returns where the new element is --------------------------------------------------------------------

  append(text: Uint8Array, offset: number, length: number): number {
    return this.put(this.byteLength - 1, 0, text, offset, length);
  }

  appendText(text: string): number {
    return this.putText(this.byteLength - 1, 0, text);
  }

  appendInteger(value: Integer): number {
    return this.putInteger(this.byteLength - 1, 0, value);
  }

  prepend(text: Uint8Array, offset: number, length: number): number {
    return this.put(HEAD_BYTES, 0, text, offset, length);
  }

  prependText(text: string): number {
    return this.putText(HEAD_BYTES, 0, text);
  }

  insertBefore(p: number, text: Uint8Array, offset: number, length: number): number {
    return this.put(p, 0, text, offset, length);
  }

  insertTextBefore(p: number, text: string): number {
    return this.putText(p, 0, text);
  }

  insertAfter(p: number, text: Uint8Array, offset: number, length: number): number {
    return this.put(this.end(p), 0, text, offset, length);
  }

  insertTextAfter(p: number, text: string): number {
    return this.putText(this.end(p), 0, text);
  }

  replace(p: number, text: Uint8Array, offset: number, length: number): number {
    return this.put(p, this.end(p) - p, text, offset, length);
  }

  replaceText(p: number, text: string): number {
    return this.putText(p, this.end(p) - p, text);
  }

  replaceInteger(p: number, value: Integer): number {
    return this.putInteger(p, this.end(p) - p, value);
  }

  /** Takes one out, and returns where the next is: 0 if it was the last. */
  remove(p: number): number {
    return this.cut(p, this.end(p), 1);
  }

  /** Takes `count` out from `index` on, or as many as there are. */
  removeRange(index: number, count: number): void {
    const p = count > 0 ? this.seek(index) : 0;
    if (p !== 0) this.removeFrom(p, count);
  }

  /** Takes `count` out from `p` on, or as many as there are, and returns where the next is: 0 if there is none. */
  removeFrom(p: number, count: number): number {
    const { bytes, base } = this;
    let at = base + p;
    let found = 0;
    for (; found < count && bytes[at] !== END; found++) at = after(bytes, at);
    return this.cut(p, at - base, found);
  }

  /** Adds another listpack's elements behind its own; the other's block is freed. */
  merge(other: Ref): void {
    const count = this.length;
    const own = this.byteLength;
    const from = scratch.open(this.heap, other);
    const all = count + from.length;
    const more = from.byteLength - HEAD_BYTES - 1;
    this.resize(own, own + more);
    copyBytes(from.bytes, from.base + HEAD_BYTES, more + 1, this.bytes, this.base + own - 1);
    this.setCount(Math.min(all, UNKNOWN));
    this.heap.free(other);
  }

  // ---- bytes -----------------------------------------------------------------------------------------------------------

  /** Where the element ends, be there another or not. */
  private end(p: number): number {
    return after(this.bytes, this.base + p) - this.base;
  }

  private put(p: number, replaced: number, text: Uint8Array, offset: number, length: number): number {
    const value = parseInteger(text, offset, length);
    if (value !== undefined) return this.putInteger(p, replaced, value);
    // What it is written to is known only when there is room.
    const at = this.makeString(p, replaced, length);
    copyBytes(text, offset, length, this.bytes, at);
    return p;
  }

  private putText(p: number, replaced: number, text: string): number {
    const value = parseIntegerText(text);
    if (value !== undefined) return this.putInteger(p, replaced, value);
    const at = this.makeString(p, replaced, text.length);
    writeLatin1(this.bytes, at, text);
    return p;
  }

  private putInteger(p: number, replaced: number, value: Integer): number {
    const size = integerSize(value);
    this.makeRoom(p, replaced, size);
    writeInteger(this.bytes, this.base + p, value, size);
    return p;
  }

  /** An element for a text of this length, and where in the chunk that has to be written. */
  private makeString(p: number, replaced: number, length: number): number {
    const head = stringHeadSize(length);
    this.makeRoom(p, replaced, head + length);
    writeStringHead(this.bytes, this.base + p, length);
    return this.base + p + head;
  }

  /** Room for an element of `size` in the place of `replaced` bytes, with its size at its end. */
  private makeRoom(p: number, replaced: number, size: number): void {
    const old = this.byteLength;
    const grown = size + backSize(size) - replaced;
    if (old + grown > MOST_BYTES) throw new RangeError("a listpack has at most 2^32 - 1 bytes");
    if (grown > 0) this.resize(old, old + grown);
    if (grown !== 0) {
      const at = this.base + p + replaced;
      moveBytes(this.bytes, at + grown, at, this.base + old);
    }
    if (grown < 0) this.resize(old, old + grown);
    if (replaced === 0) this.addCount(1);
    writeBack(this.bytes, this.base + p + size, size);
  }

  private cut(p: number, end: number, count: number): number {
    const old = this.byteLength;
    moveBytes(this.bytes, this.base + p, this.base + end, this.base + old);
    this.addCount(-count);
    this.resize(old, old - (end - p));
    return this.bytes[this.base + p] === END ? 0 : p;
  }

  private resize(old: number, size: number): void {
    const { ahead, heap } = this;
    const keep = Math.min(old, size);
    const ref = ahead === 0 ? heap.resize(this.ref, size, keep) : heap.resizeAhead(this.ref, size, keep, ahead);
    if (ref !== this.ref) this.moved(ref);
    this.setBytes(size);
  }

  private addCount(more: number): void {
    const count = this.count();
    if (count !== UNKNOWN) this.setCount(count + more);
  }

  private setBytes(size: number): void {
    this.words[this.base >>> 2] = size;
  }
}

/** The other one of merge(). */
const scratch = new ListpackReader();
