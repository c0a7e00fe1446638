/** A small sorted set: a listpack of members, each with its score behind it, in order. */

import { Listpack } from "../encodings/listpack.js";
import { after, END, headSize, isIntegerHead, readInteger, textSize } from "../encodings/listpack-entry.js";
import { HEAD_BYTES } from "../encodings/listpack-validate.js";
import { compareBytes } from "../memory/bytes.js";
import { readLatin1 } from "../memory/latin1.js";
import { formatScore, integerOfScore, parseDouble } from "../numbers/doubles.js";

export class ZsetListpack extends Listpack {
  /** Where the members begin, since index(): good until a change. */
  private places = new Int32Array(256);
  /** Where the text of an integer is written: at most 20 characters. */
  private readonly own = new Uint8Array(20);
  /** Where load() found a member's text. */
  text: Uint8Array = this.own;
  textAt = 0;
  textLength = 0;

  /** Members: half of what the listpack says it has. */
  get members(): number {
    return this.length >>> 1;
  }

  /** Where a member begins, or 0. */
  findMember(bytes: Uint8Array, at: number, length: number): number {
    return this.find(bytes, at, length, 1);
  }

  /** The score of the member at `p`. */
  scoreAt(p: number): number {
    const { bytes } = this;
    const at = after(bytes, this.base + p);
    if (isIntegerHead(bytes[at])) return Number(readInteger(bytes, at));
    const begin = at + headSize(bytes[at]);
    const length = textSize(bytes, at);
    return parseDouble(bytes, begin, length) ?? scoreOfText(readLatin1(bytes, begin, begin + length));
  }

  /** Walks over it once, so that members are found by rank; returns how many there are. */
  index(): number {
    const { bytes, base } = this;
    let count = 0;
    for (let at = base + HEAD_BYTES; bytes[at] !== END; at = after(bytes, after(bytes, at))) {
      if (count === this.places.length) {
        const larger = new Int32Array(count * 2);
        larger.set(this.places);
        this.places = larger;
      }
      this.places[count++] = at - base;
    }
    this.indexed = count;
    return count;
  }
  private indexed = 0;

  /** Where the member of this rank begins; after index(). */
  place(rank: number): number {
    return this.places[rank];
  }

  /** Members with a lower score, or with `orEqual` also those with this one; after index(). */
  rankOfScore(score: number, orEqual: boolean): number {
    let low = 0;
    let high = this.indexed;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const one = this.scoreAt(this.places[middle]);
      if (orEqual ? one <= score : one < score) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Finds the text of the member at `p`: {@link text}. */
  load(p: number): void {
    const { bytes, own } = this;
    const at = this.base + p;
    if (isIntegerHead(bytes[at])) {
      const text = String(readInteger(bytes, at));
      for (let i = 0; i < text.length; i++) own[i] = text.charCodeAt(i);
      this.text = own;
      this.textAt = 0;
      this.textLength = text.length;
    } else {
      this.text = bytes;
      this.textAt = at + headSize(bytes[at]);
      this.textLength = textSize(bytes, at);
    }
  }

  /** How the member at `p` compares with bytes: less than 0, it comes before them. */
  compare(p: number, bytes: Uint8Array, at: number, length: number): number {
    this.load(p);
    return compareBytes(this.text, this.textAt, this.textLength, bytes, at, length);
  }

  /** Adds a member that is not there. */
  insertMember(score: number, bytes: Uint8Array, at: number, length: number): void {
    const count = this.index();
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const p = this.places[middle];
      const one = this.scoreAt(p);
      if (one < score || (one === score && this.compare(p, bytes, at, length) < 0)) low = middle + 1;
      else high = middle;
    }
    if (low === count) {
      this.append(bytes, at, length);
      const integer = integerOfScore(score);
      if (integer !== undefined) this.appendInteger(integer);
      else this.appendText(formatScore(score));
    } else {
      const p = this.insertBefore(this.places[low], bytes, at, length);
      this.insertTextAfter(p, formatScore(score));
    }
  }

  removeMember(p: number): void {
    this.removeFrom(p, 2);
  }
}

/** Of texts that no Redis writes, but a RESTORE may bring: what strtod makes of them. */
function scoreOfText(text: string): number {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i.exec(text);
  return match === null ? 0 : Number(match[1]);
}
