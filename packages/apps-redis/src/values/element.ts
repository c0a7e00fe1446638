/** The bytes of one element of a value, where they lie: good until the value is changed or another element is told by the same hand. */
import type { ListpackReader } from "../encodings/listpack-reader.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { readLatin1, writeLatin1 } from "../memory/latin1.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import { type Integer, parseInteger } from "../numbers/integers.js";

/** Of "-9223372036854775808". */
const MOST_CHARACTERS = 20;

export class Element {
  bytes: Uint8Array = NONE;
  at = 0;
  length = 0;
  /** Where the text of an integer is written. */
  private readonly own = new Uint8Array(MOST_CHARACTERS);

  /** As latin1 text. */
  get text(): string {
    return readLatin1(this.bytes, this.at, this.at + this.length);
  }

  /** By the rule of string2ll; undefined: it is none. */
  get integer(): Integer | undefined {
    return parseInteger(this.bytes, this.at, this.length);
  }

  set(bytes: Uint8Array, at: number, length: number): this {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    return this;
  }

  setInteger(value: Integer): this {
    const { own } = this;
    if (typeof value !== "number" || value < 0 || value > 0x7fffffff) {
      const text = String(value);
      writeLatin1(own, 0, text);
      return this.set(own, 0, text.length);
    }
    let at = MOST_CHARACTERS;
    let rest = value;
    do {
      const tens = Math.trunc(rest / 10);
      own[--at] = 48 + rest - tens * 10;
      rest = tens;
    } while (rest !== 0);
    return this.set(own, at, MOST_CHARACTERS - at);
  }

  /** An element of a listpack. */
  setListpack(list: ListpackReader, p: number): this {
    if (list.isInteger(p)) return this.setInteger(list.integer(p));
    return this.set(list.bytes, list.textStart(p), list.size(p));
  }

  /** The key of a record. */
  setKey(heap: Heap, ref: Ref): this {
    return this.set(heap.bytes[chunkOf(ref)], offsetOf(ref) + HEADER, keyLengthOf(heap, ref));
  }
}

const NONE = new Uint8Array(0);
