/** Writes replies of RESP2 and RESP3 one behind the other into memory that grows (https://github.com/redis/redis-specifications, RESP3). */
import { copyBytes, withWords } from "../memory/bytes.js";
import { writeLatin1 } from "../memory/latin1.js";
import { decimalLength, writeDecimal } from "../numbers/decimal.js";

const LEAST = 16 * 1024;
/** Memory beyond this is not kept from one batch of replies to the next. */
const KEPT = 1024 * 1024;
/** Bytes around the contents of a bulk string, at most. */
const MOST_AROUND = 24;

export class Reply {
  bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
  length = 0;
  /** 2 or 3: what the peer understands. */
  resp = 2;

  /** `codes`: error replies are counted there by their codes. */
  constructor(readonly codes = new Map<string, number>()) {}

  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT) this.bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
  }

  // ---- RESP2 -----------------------------------------------------------------------------------------------------------

  ok(): void {
    this.status("OK");
  }

  status(text: string): void {
    this.line(43, text);
  }

  /** `text` begins with the code: "ERR no such key". Line ends within it become spaces. */
  error(text: string): void {
    const space = text.indexOf(" ");
    this.countError(space < 0 ? text : text.slice(0, space));
    this.line(45, /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, " ") : text);
  }
  /** Errors that were written. */
  errors = 0;

  /** One was written, or will be. */
  countError(code: string): void {
    this.errors++;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }

  integer(value: number | bigint): void {
    if (Number.isSafeInteger(value)) return this.prefixed(58, value as number);
    this.line(58, String(value));
  }

  /** A bulk string of bytes. */
  bulk(from: Uint8Array, at: number, length: number): void {
    let to = this.length;
    if (to + length + MOST_AROUND > this.bytes.length) this.room(length + MOST_AROUND);
    const { bytes } = this;
    bytes[to] = 36;
    // By hand what prefixed() and end() do: this is what most replies are made of.
    if (length < 10) {
      bytes[to + 1] = 48 + length;
      to += 2;
    } else if (length < 100) {
      const tens = (length / 10) | 0;
      bytes[to + 1] = 48 + tens;
      bytes[to + 2] = 48 + length - tens * 10;
      to += 3;
    } else {
      const digits = decimalLength(length);
      writeDecimal(bytes, to + 1, length, digits);
      to += 1 + digits;
    }
    bytes[to] = 13;
    bytes[to + 1] = 10;
    to += 2;
    copyBytes(from, at, length, bytes, to);
    to += length;
    bytes[to] = 13;
    bytes[to + 1] = 10;
    this.length = to + 2;
  }

  /** A bulk string of latin1 text. */
  text(text: string): void {
    this.prefixed(36, text.length);
    this.literal(text);
    this.end();
  }

  /** A bulk string of an integer's digits. */
  digits(value: number | bigint): void {
    if (!Number.isSafeInteger(value)) return this.text(String(value));
    const length = decimalLength(value as number);
    this.prefixed(36, length);
    this.decimal(value as number, length);
    this.end();
  }

  /** A bulk string of two integers, which doubles have exactly and which are not negative, with a dash between. */
  dashed(first: number, second: number): void {
    const length = decimalLength(first);
    const rest = decimalLength(second);
    this.prefixed(36, length + 1 + rest);
    this.decimal(first, length);
    this.literal("-");
    this.decimal(second, rest);
    this.end();
  }

  private decimal(value: number, length: number): void {
    this.room(length);
    writeDecimal(this.bytes, this.length, value, length);
    this.length += length;
  }

  /** Text or nothing. */
  textOrNull(text: string | undefined): void {
    if (text === undefined) this.null();
    else this.text(text);
  }

  array(count: number): void {
    this.prefixed(42, count);
  }

  texts(all: readonly string[]): void {
    this.array(all.length);
    for (const one of all) this.text(one);
  }

  /** No value: a null bulk string, in RESP3 the null. */
  null(): void {
    this.literal(this.resp === 3 ? "_\r\n" : "$-1\r\n");
  }

  nullArray(): void {
    this.literal(this.resp === 3 ? "_\r\n" : "*-1\r\n");
  }

  // ---- RESP3, and what stands for it in RESP2 ----------------------------------------------------------------------------

  /** `pairs` keys with values follow. */
  map(pairs: number): void {
    if (this.resp === 3) this.prefixed(37, pairs);
    else this.prefixed(42, pairs * 2);
  }

  set(count: number): void {
    this.prefixed(this.resp === 3 ? 126 : 42, count);
  }

  /** Out of order: what the peer did not ask for. In RESP2 an array. */
  push(count: number): void {
    this.prefixed(this.resp === 3 ? 62 : 42, count);
  }

  attribute(pairs: number): void {
    this.prefixed(124, pairs);
  }

  boolean(value: boolean): void {
    if (this.resp === 3) this.literal(value ? "#t\r\n" : "#f\r\n");
    else this.integer(value ? 1 : 0);
  }

  /** A double, by its text: numbers/ writes it. */
  double(text: string): void {
    if (this.resp === 3) this.line(44, text);
    else this.text(text);
  }

  bigNumber(text: string): void {
    if (this.resp === 3) this.line(40, text);
    else this.text(text);
  }

  /** `kind`: three letters, txt or mkd. */
  verbatim(kind: string, text: string): void {
    if (this.resp !== 3) return this.text(text);
    this.prefixed(61, text.length + 4);
    this.literal(`${kind}:`);
    this.literal(text);
    this.literal("\r\n");
  }

  // ---- counts that are known later -----------------------------------------------------------------------------------------

  /** Where something begins whose head is written afterwards: {@link insert}. */
  mark(): number {
    return this.length;
  }

  /** What `head` writes stands at `mark`, before what was written since. */
  insert(mark: number, head: (reply: Reply) => void): void {
    const end = this.length;
    head(this);
    const written = this.length - end;
    const text = this.bytes.subarray(end, this.length).toString("latin1");
    this.bytes.copyWithin(mark + written, mark, end);
    writeLatin1(this.bytes, mark, text);
  }

  /** Forgets what was written since `mark`. */
  rewind(mark: number): void {
    this.length = mark;
  }

  // ---- bytes -----------------------------------------------------------------------------------------------------------------

  raw(from: Uint8Array, at: number, length: number): void {
    this.room(length + 2);
    copyBytes(from, at, length, this.bytes, this.length);
    this.length += length;
  }

  /** What is RESP already, as latin1 text. */
  literal(text: string): void {
    this.room(text.length);
    writeLatin1(this.bytes, this.length, text);
    this.length += text.length;
  }

  private line(kind: number, text: string): void {
    this.room(text.length + 3);
    this.bytes[this.length++] = kind;
    this.literal(text);
    this.end();
  }

  private prefixed(kind: number, value: number): void {
    this.room(24);
    const { bytes } = this;
    const digits = decimalLength(value);
    bytes[this.length] = kind;
    writeDecimal(bytes, this.length + 1, value, digits);
    const at = this.length + 1 + digits;
    bytes[at] = 13;
    bytes[at + 1] = 10;
    this.length = at + 2;
  }

  private end(): void {
    this.room(2);
    this.bytes[this.length] = 13;
    this.bytes[this.length + 1] = 10;
    this.length += 2;
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = withWords(Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
