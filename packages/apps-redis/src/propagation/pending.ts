/** Commands that wait to be told, one behind the other as RESP has them: arrays of bulk strings. */
import { copyBytes, withWords } from "../memory/bytes.js";
import { writeLatin1 } from "../memory/latin1.js";
import { decimalLength, writeDecimal } from "../numbers/decimal.js";
import type { Integer } from "../numbers/integers.js";
import type { Args } from "../protocol/args.js";
import { isShortage } from "../server/memory.js";

const LEAST = 4096;
/** Memory beyond this is not kept from one command to the next. */
const KEPT = 1024 * 1024;
/** Around an argument: "$", ten digits, two line ends. */
const AROUND = 16;

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;

export class Pending {
  bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
  /** Of each command: its database, where it begins, and whether it is a message, which is no part of the dataset. */
  readonly dbs: number[] = [];
  readonly begins: number[] = [];
  readonly messages: boolean[] = [];
  /** There was no memory for all of them. */
  isLost = false;
  private length = 0;

  get count(): number {
    return this.begins.length;
  }

  get isEmpty(): boolean {
    return this.begins.length === 0 && !this.isLost;
  }

  /** Where command `i` ends. */
  end(i: number): number {
    return i + 1 < this.begins.length ? this.begins[i + 1] : this.length;
  }

  clear(): void {
    this.begins.length = this.dbs.length = this.messages.length = this.length = 0;
    this.isLost = false;
    if (this.bytes.length > KEPT) this.bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
  }

  /** A command of `count` words, which are what is written next. */
  begin(db: number, count: number, isMessage = false): this {
    this.dbs.push(db);
    this.begins.push(this.length);
    this.messages.push(isMessage);
    if (this.room(AROUND)) this.number(STAR, count);
    return this;
  }

  /** A word of latin1 text. */
  text(text: string): this {
    if (!this.room(text.length + AROUND)) return this;
    this.number(DOLLAR, text.length);
    writeLatin1(this.bytes, this.length, text);
    this.lineEnd(text.length);
    return this;
  }

  integer(value: Integer): this {
    return this.text(String(value));
  }

  word(from: Uint8Array, at: number, length: number): this {
    if (!this.room(length + AROUND)) return this;
    this.number(DOLLAR, length);
    copyBytes(from, at, length, this.bytes, this.length);
    this.lineEnd(length);
    return this;
  }

  /** A word that is argument `i`, or all arguments up to before `end`. */
  argument(args: Args, i: number, end = i + 1): this {
    for (; i < end; i++) this.word(args.bytes, args.at(i), args.length(i));
    return this;
  }

  private number(prefix: number, value: number): void {
    this.bytes[this.length] = prefix;
    const digits = decimalLength(value);
    writeDecimal(this.bytes, this.length + 1, value, digits);
    this.lineEnd(1 + digits);
  }

  private lineEnd(length: number): void {
    this.length += length;
    this.bytes[this.length++] = CR;
    this.bytes[this.length++] = LF;
  }

  /** False: there is none, and none of what is pending will be told. */
  private room(more: number): boolean {
    if (this.isLost) return false;
    const needed = this.length + more;
    if (needed <= this.bytes.length) return true;
    try {
      const larger = withWords(Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, needed)));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
      return true;
    } catch (error) {
      if (!isShortage(error)) throw error;
      this.isLost = true;
      return false;
    }
  }
}
