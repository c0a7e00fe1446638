/**
 * Requests of RESP, multibulk and inline, read where they lie. What has come so far of one is remembered, so that bytes are looked at once
 * however they arrive (https://redis.io/docs/reference/protocol-spec/).
 */
import { Args } from "./args.js";
import { splitArguments } from "./inline.js";

/** Longest line of an inline command, of a count, of a length. */
const LONGEST_LINE = 64 * 1024;
const MOST_ARGUMENTS = 0x7fffffff;
/** Of who has not said who he is. */
const UNKNOWN_ARGUMENTS = 10;
const UNKNOWN_BULK = 16384;

/** Arguments of a request that is read in one go: their number is one digit, and there is room for them. */
const MOST_QUICK = 9;

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

/** What {@link RequestParser.next} found. */
export const Found = { NOTHING: 0, COMMAND: 1, ERROR: 2 } as const;

export class RequestParser {
  readonly args = new Args();
  /** The first byte that was not looked at; what is before belongs to {@link args} and to nothing else. */
  position = 0;
  /** After Found.ERROR: what to tell the peer, which is then left. */
  error = "";
  /** Arguments that are still to come, 0 between requests; bytes of the next, -1 while its length is not known. */
  private wanted = 0;
  private bulk = -1;

  /** Whether a request has begun. */
  get isWithin(): boolean {
    return this.wanted !== 0;
  }

  /** Up to where bytes are needed at least before next() finds anything, as far as that is known. */
  get needs(): number {
    return this.bulk < 0 ? this.position + 1 : this.position + this.bulk + 2;
  }

  /** Begins anew with what lies elsewhere. */
  begin(bytes: Uint8Array, at: number): void {
    this.args.clear(bytes);
    this.position = at;
    this.wanted = 0;
    this.bulk = -1;
  }

  /** As far as `other`, which may be itself, whose bytes from `from` on are in `bytes` from 0 on. */
  resume(other: RequestParser, bytes: Uint8Array, from: number): void {
    if (other !== this) this.args.assign(other.args);
    this.args.move(bytes, from);
    this.position = other.position - from;
    this.wanted = other.wanted;
    this.bulk = other.bulk;
  }

  /** Goes on, with bytes up to `end`. `most`: bytes of an argument; `isKnown`: the peer has said who he is, or need not. */
  next(end: number, most: number, isKnown: boolean): number {
    for (;;) {
      if (this.wanted === 0) {
        if (this.position >= end) return Found.NOTHING;
        if (isKnown && this.whole(end, most)) return Found.COMMAND;
        this.args.count = 0;
        const found = this.args.bytes[this.position] === STAR ? this.beginMultibulk(end, isKnown) : this.inline(end);
        if (found !== SKIPPED) {
          if (found !== BEGUN) return found;
        } else {
          continue;
        }
      }
      return this.arguments(end, most, isKnown);
    }
  }

  /** The usual request, all of which is there, in one go. False: it is another, and nothing was done: {@link next} goes through it by its parts. */
  private whole(end: number, most: number): boolean {
    const { args } = this;
    const { bytes } = args;
    let at = this.position;
    if (bytes[at] !== STAR) return false;
    const count = bytes[at + 1] - 48;
    if (!(count > 0 && count <= MOST_QUICK && bytes[at + 2] === CR)) return false;
    at += 4;
    for (let i = 0; i < count; i++) {
      if (at >= end || bytes[at] !== DOLLAR) return false;
      let length = bytes[at + 1] - 48;
      if (!(length >= 0 && length <= 9)) return false;
      at += 2;
      if (bytes[at] !== CR) {
        // No zeros before other digits, and not many digits.
        if (length === 0) return false;
        const last = at + 6;
        for (let byte = bytes[at]; byte !== CR; byte = bytes[++at]) {
          const digit = byte - 48;
          if (!(digit >= 0 && digit <= 9) || at === last) return false;
          length = length * 10 + digit;
        }
      }
      at += 2;
      if (length > most || at + length + 2 > end) return false;
      args.set(i, at, length);
      at += length + 2;
    }
    args.count = count;
    this.position = at;
    return true;
  }

  private beginMultibulk(end: number, isKnown: boolean): number {
    const count = this.line(end, 1, "too big mbulk count string");
    if (count === INCOMPLETE) return Found.NOTHING;
    if (Number.isNaN(count)) return this.fail(this.error || "invalid multibulk length");
    if (count > MOST_ARGUMENTS) return this.fail("invalid multibulk length");
    if (count > UNKNOWN_ARGUMENTS && !isKnown) return this.fail("unauthenticated multibulk length");
    if (count <= 0) return SKIPPED;
    this.wanted = count;
    this.bulk = -1;
    return BEGUN;
  }

  private arguments(end: number, most: number, isKnown: boolean): number {
    const { args } = this;
    while (this.wanted !== 0) {
      if (this.bulk < 0) {
        if (this.position >= end) return Found.NOTHING;
        const first = args.bytes[this.position];
        if (first !== DOLLAR) return this.fail(`expected '$', got '${String.fromCharCode(first)}'`);
        const length = this.line(end, 1, "too big bulk count string");
        if (length === INCOMPLETE) return Found.NOTHING;
        if (Number.isNaN(length)) return this.fail(this.error || "invalid bulk length");
        if (length < 0 || length > most) return this.fail("invalid bulk length");
        if (length > UNKNOWN_BULK && !isKnown) return this.fail("unauthenticated bulk length");
        this.bulk = length;
      }
      if (end - this.position < this.bulk + 2) return Found.NOTHING;
      args.add(this.position, this.bulk);
      this.position += this.bulk + 2;
      this.bulk = -1;
      this.wanted--;
    }
    return Found.COMMAND;
  }

  /** The number in the line at `position`, behind `skip` bytes of it; then `position` is behind the line. */
  private line(end: number, skip: number, tooLong: string): number {
    const { bytes } = this.args;
    let at = this.position + skip;
    const negative = at < end && bytes[at] === 45;
    if (negative) at++;
    const begin = at;
    let value = 0;
    let bad = false;
    for (; at < end && bytes[at] !== CR; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) bad = true;
      value = value * 10 + digit;
      if (at - this.position > LONGEST_LINE) break;
    }
    if (at - this.position > LONGEST_LINE) {
      this.error = tooLong;
      return BAD;
    }
    // Its LF is waited for, too.
    if (at + 1 >= end) return INCOMPLETE;
    this.error = "";
    if (bad || at === begin || at - begin > 18 || (at - begin > 1 && bytes[begin] === 48)) return BAD;
    this.position = at + 2;
    return negative ? -value : value;
  }

  private inline(end: number): number {
    const { bytes } = this.args;
    const feed = bytes.subarray(this.position, end).indexOf(LF);
    if (feed < 0) return end - this.position > LONGEST_LINE ? this.fail("too big inline request") : Found.NOTHING;
    const stop = this.position + feed;
    const last = stop > this.position && bytes[stop - 1] === CR ? stop - 1 : stop;
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + this.position, last - this.position).toString("latin1");
    const words = splitArguments(line);
    if (words === undefined) return this.fail("unbalanced quotes in request");
    this.position = stop + 1;
    if (words.length === 0) return SKIPPED;
    this.inlineArgs = Args.of(...words);
    return Found.COMMAND;
  }

  /** The arguments of what was found: they lie elsewhere if it was inline. */
  take(): Args {
    const { inlineArgs } = this;
    if (inlineArgs === undefined) return this.args;
    this.inlineArgs = undefined;
    return inlineArgs;
  }
  private inlineArgs: Args | undefined;

  private fail(what: string): number {
    this.error = `ERR Protocol error: ${what}`;
    return Found.ERROR;
  }
}

const SKIPPED = 3;
const BEGUN = 4;
/** No number that a line of 18 digits has. */
const INCOMPLETE = Number.NEGATIVE_INFINITY;
const BAD = Number.NaN;
