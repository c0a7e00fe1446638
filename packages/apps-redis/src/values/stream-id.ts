/**
 * Names of a stream's entries: two unsigned integers of 64 bits, milliseconds and a sequence number. They are held as halves of 32 bits, which
 * JavaScript has exactly and compares quickly.
 */
import { fromHalves, highHalf, type Integer, lowHalf } from "../numbers/integers.js";

const LARGEST = 0xffffffff;
export const TWO_32 = 2 ** 32;
/** Digits that a number holds whichever they are. */
const SAFE_DIGITS = 15;
/** Upper halves of integers that a number holds. */
export const SAFE_HIGH = 0x200000;
const UNSIGNED_64 = 64;
/** What follows the minus of the smallest signed integer. */
const LARGEST_NEGATIVE = 2n ** 63n;

export class StreamId {
  constructor(
    public msHigh = 0,
    public msLow = 0,
    public seqHigh = 0,
    public seqLow = 0,
  ) {}

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh >>> 0;
    this.msLow = msLow >>> 0;
    this.seqHigh = seqHigh >>> 0;
    this.seqLow = seqLow >>> 0;
    return this;
  }

  assign(other: StreamId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
    return this;
  }

  copy(): StreamId {
    return new StreamId(this.msHigh, this.msLow, this.seqHigh, this.seqLow);
  }

  setZero(): this {
    return this.set(0, 0, 0, 0);
  }

  setLargest(): this {
    return this.set(LARGEST, LARGEST, LARGEST, LARGEST);
  }

  /** Negative, 0 or positive. */
  compare(other: StreamId): number {
    return (
      this.msHigh - other.msHigh ||
      this.msLow - other.msLow ||
      this.seqHigh - other.seqHigh ||
      this.seqLow - other.seqLow
    );
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isLargest(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  get hasLargestSequence(): boolean {
    return (this.seqHigh & this.seqLow) === -1;
  }

  hasMs(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** To its successor; false: it was the largest, and is 0-0 now. */
  increment(): boolean {
    this.seqLow = (this.seqLow + 1) >>> 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) >>> 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) >>> 0;
    if (this.msLow !== 0) return true;
    this.msHigh = (this.msHigh + 1) >>> 0;
    return this.msHigh !== 0;
  }

  /** To its predecessor; false: it was 0-0, and is the largest now. */
  decrement(): boolean {
    if (this.isZero) {
      this.setLargest();
      return false;
    }
    if (this.seqLow-- !== 0) return true;
    this.seqLow = LARGEST;
    if (this.seqHigh-- !== 0) return true;
    this.seqHigh = LARGEST;
    if (this.msLow-- !== 0) return true;
    this.msLow = LARGEST;
    this.msHigh--;
    return true;
  }

  setMs(milliseconds: number): this {
    return this.set(Math.floor(milliseconds / TWO_32), milliseconds % TWO_32, 0, 0);
  }

  /** Is `base` with these added, as 64 bits go round. */
  setSum(base: StreamId, ms: Integer, seq: Integer): this {
    const msLow = base.msLow + (lowHalf(ms) >>> 0);
    const seqLow = base.seqLow + (lowHalf(seq) >>> 0);
    return this.set(
      base.msHigh + highHalf(ms) + (msLow > LARGEST ? 1 : 0),
      msLow,
      base.seqHigh + highHalf(seq) + (seqLow > LARGEST ? 1 : 0),
      seqLow,
    );
  }

  /** What setSum() adds to `base`. */
  msSince(base: StreamId): Integer {
    return difference(this.msHigh, this.msLow, base.msHigh, base.msLow);
  }

  seqSince(base: StreamId): Integer {
    return difference(this.seqHigh, this.seqLow, base.seqHigh, base.seqLow);
  }

  /** Both without a sign. */
  get ms(): Integer {
    return unsignedOf(this.msHigh, this.msLow);
  }

  get seq(): Integer {
    return unsignedOf(this.seqHigh, this.seqLow);
  }

  setParts(ms: Integer, seq: Integer): this {
    return this.set(highHalf(ms), lowHalf(ms), highHalf(seq), lowHalf(seq));
  }

  get text(): string {
    return `${this.ms}-${this.seq}`;
  }

  // ---- as 16 bytes, the highest first ------------------------------------------------------------------------------------

  read(bytes: Uint8Array, at: number): this {
    return this.set(word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12));
  }

  write(bytes: Uint8Array, at: number): void {
    putWord(bytes, at, this.msHigh);
    putWord(bytes, at + 4, this.msLow);
    putWord(bytes, at + 8, this.seqHigh);
    putWord(bytes, at + 12, this.seqLow);
  }

  // ---- texts -------------------------------------------------------------------------------------------------------------

  /**
   * Is what a text says: "ms" with this sequence, or "ms-seq"; false: it is none. With `isOpen` "ms-*" is one, too: {@link lacksSequence} then
   * says whether the sequence was left open.
   */
  parse(text: string, sequence: 0 | typeof LARGEST, isOpen = false): boolean {
    this.lacksSequence = false;
    const dash = text.indexOf("-");
    const ms = unsigned(dash < 0 ? text : text.slice(0, dash));
    if (ms === undefined) return false;
    if (dash < 0) {
      this.set(highHalf(ms), lowHalf(ms), sequence, sequence);
      return true;
    }
    const rest = text.slice(dash + 1);
    this.lacksSequence = isOpen && rest === "*";
    const seq = this.lacksSequence ? 0 : unsigned(rest);
    if (seq === undefined) return false;
    this.set(highHalf(ms), lowHalf(ms), highHalf(seq), lowHalf(seq));
    return true;
  }
  lacksSequence = false;
}

/** Of 128 bits as Redis takes the sequence where an ID has none: the first, or the last. */
export const FIRST = 0;
export const LAST = LARGEST;

function difference(high: number, low: number, baseHigh: number, baseLow: number): Integer {
  const less = low - baseLow;
  return fromHalves(less | 0, (high - baseHigh - (less < 0 ? 1 : 0)) | 0);
}

function unsignedOf(high: number, low: number): Integer {
  return high < SAFE_HIGH ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** What Redis takes for 64 bits without a sign (string2ull): strtoull's texts, without its signs where the number behind has no leading zero. */
function unsigned(text: string): Integer | undefined {
  const { length } = text;
  if (length === 0) return undefined;
  if (length <= SAFE_DIGITS) {
    let value = 0;
    for (let i = 0; i < length; i++) {
      const digit = text.charCodeAt(i) - 48;
      if (digit < 0 || digit > 9) return unusual(text);
      value = value * 10 + digit;
    }
    return value;
  }
  return unusual(text);
}

function unusual(text: string): Integer | undefined {
  if (!/^[\t-\r ]*[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^[\t-\r ]*[+-]?/, ""));
  if (value >> 64n !== 0n || (/^-[1-9]/.test(text) && value <= LARGEST_NEGATIVE)) return undefined;
  const signed = /^[\t-\r ]*-/.test(text) ? -value : value;
  return BigInt.asUintN(UNSIGNED_64, signed);
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
