/** The arguments of a command, the name first, as they lie in the bytes they came in: nothing is copied until somebody asks. */

import { readLatin1 } from "../memory/latin1.js";
import { parseInteger } from "../numbers/integers.js";

export class Args {
  /** What they lie in; read {@link at} and {@link length} for each. */
  bytes: Uint8Array = NONE;
  count = 0;
  private begins = new Int32Array(16);
  private lengths = new Int32Array(16);

  at(i: number): number {
    return this.begins[i];
  }

  length(i: number): number {
    return this.lengths[i];
  }

  /** As latin1 text. */
  text(i: number): string {
    const at = this.begins[i];
    return readLatin1(this.bytes, at, at + this.lengths[i]);
  }

  /** All from `i` on as latin1 texts. */
  texts(i = 0): string[] {
    const all: string[] = [];
    for (; i < this.count; i++) all.push(this.text(i));
    return all;
  }

  /** Whether argument `i` is `word`, which is lower case, whatever its own case is. */
  is(i: number, word: string): boolean {
    const length = this.lengths[i];
    if (length !== word.length) return false;
    const at = this.begins[i];
    for (let n = 0; n < length; n++) {
      let byte = this.bytes[at + n];
      if (byte >= 65 && byte <= 90) byte += 32;
      if (byte !== word.charCodeAt(n)) return false;
    }
    return true;
  }

  /** The argument by Redis's rule for integers (string2ll), as far as a double has it exactly; undefined if it is none, or larger. */
  safeInteger(i: number): number | undefined {
    const value = parseInteger(this.bytes, this.begins[i], this.lengths[i]);
    return typeof value === "number" ? value : undefined;
  }

  /** As safeInteger(), of all 64-bit integers. */
  integer(i: number): bigint | undefined {
    const value = parseInteger(this.bytes, this.begins[i], this.lengths[i]);
    return value === undefined ? undefined : BigInt(value);
  }

  // ---- made by the parser ------------------------------------------------------------------------------------------------

  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.count = 0;
  }

  /** Of the first few, for which there is always room. */
  set(i: number, at: number, length: number): void {
    this.begins[i] = at;
    this.lengths[i] = length;
  }

  add(at: number, length: number): void {
    if (this.count === this.begins.length) {
      this.begins = grown(this.begins);
      this.lengths = grown(this.lengths);
    }
    this.begins[this.count] = at;
    this.lengths[this.count++] = length;
  }

  /** The bytes they lie in are now elsewhere, what was at `by` at 0. */
  move(bytes: Uint8Array, by: number): void {
    this.bytes = bytes;
    if (by !== 0) for (let i = 0; i < this.count; i++) this.begins[i] -= by;
  }

  assign(other: Args): void {
    this.clear(other.bytes);
    for (let i = 0; i < other.count; i++) this.add(other.begins[i], other.lengths[i]);
  }

  /** One that lasts: its bytes are a copy. */
  copy(): Args {
    let total = 0;
    for (let i = 0; i < this.count; i++) total += this.lengths[i];
    const made = new Args();
    const bytes = Buffer.allocUnsafeSlow(total);
    made.clear(bytes);
    for (let i = 0, at = 0; i < this.count; at += this.lengths[i++]) {
      bytes.set(this.bytes.subarray(this.begins[i], this.begins[i] + this.lengths[i]), at);
      made.add(at, this.lengths[i]);
    }
    return made;
  }

  static of(...texts: string[]): Args {
    const made = new Args();
    made.clear(Buffer.from(texts.join(""), "latin1"));
    let at = 0;
    for (const { length } of texts) {
      made.add(at, length);
      at += length;
    }
    return made;
  }
}

const NONE = Buffer.alloc(0);

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
