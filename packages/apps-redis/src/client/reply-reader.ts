/** Replies of RESP2 and RESP3 as they come, taken apart. */
import { readLatin1 } from "../memory/latin1.js";

/** One reply. `kind` is its first byte as text; of aggregates `items` are set (keys and values of a map in turn), else `text`, latin1. */
export interface ReplyValue {
  kind: string;
  text: string;
  items: ReplyValue[] | undefined;
  /** A null of RESP2 or RESP3. */
  isNull: boolean;
}

const AGGREGATES = "*%~>|";
/** Deepest nesting, longest line and largest count that are taken for a reply. */
const DEEPEST = 128;
const LONGEST_LINE = 1 << 20;
const MOST_ITEMS = 1 << 28;

export class ReplyError extends Error {}

export class ReplyReader {
  private bytes = Buffer.alloc(4096);
  private begin = 0;
  private end = 0;
  /** Aggregates that are not whole, the outermost first, with how many items are missing. */
  private readonly open: { value: ReplyValue; missing: number }[] = [];

  add(from: Uint8Array, at: number, length: number): void {
    if (this.end + length > this.bytes.length) {
      const kept = this.bytes.subarray(this.begin, this.end);
      const larger = Buffer.alloc(Math.max(this.bytes.length, (kept.length + length) * 2));
      kept.copy(larger);
      this.bytes = larger;
      this.end = kept.length;
      this.begin = 0;
    }
    this.bytes.set(from.subarray(at, at + length), this.end);
    this.end += length;
  }

  /** The next whole reply, if there is one. Throws ReplyError when what came is none. */
  next(): ReplyValue | undefined {
    for (;;) {
      const value = this.element();
      if (value === undefined) return undefined;
      const whole = this.close(value);
      if (whole !== undefined) return whole;
    }
  }

  /** Puts an element where it belongs; the outermost when it is whole. */
  private close(value: ReplyValue): ReplyValue | undefined {
    for (let done = value; ; ) {
      const last = this.open.at(-1);
      if (done.items !== undefined && done === value && this.missing > 0) {
        if (this.open.length === DEEPEST) throw new ReplyError("a reply that is nested too deeply");
        this.open.push({ value, missing: this.missing });
        return undefined;
      }
      if (last === undefined) return done;
      last.value.items?.push(done);
      if (--last.missing !== 0) return undefined;
      this.open.pop();
      // An attribute is beside the reply, not in its place.
      if (last.value.kind === "|") return undefined;
      done = last.value;
    }
  }

  /** Items that the aggregate has that element() gave last. */
  private missing = 0;

  private element(): ReplyValue | undefined {
    const stop = this.bytes.subarray(this.begin, this.end).indexOf("\r\n", 0, "latin1");
    if (stop < 0) {
      if (this.end - this.begin > LONGEST_LINE) throw new ReplyError("a reply without an end");
      return undefined;
    }
    const kind = String.fromCharCode(this.bytes[this.begin]);
    const line = readLatin1(this.bytes, this.begin + 1, this.begin + stop);
    const next = this.begin + stop + 2;
    const value: ReplyValue = { kind, text: line, items: undefined, isNull: kind === "_" };
    if (AGGREGATES.includes(kind)) {
      const count = countOf(line);
      value.isNull = count < 0;
      value.items = [];
      this.missing = Math.max(0, kind === "%" || kind === "|" ? count * 2 : count);
    } else if (kind === "$" || kind === "=") {
      const length = countOf(line);
      value.isNull = length < 0;
      if (length >= 0) {
        if (this.end < next + length + 2) return undefined;
        value.text = readLatin1(this.bytes, next + (kind === "=" ? 4 : 0), next + length);
        this.begin = next + length + 2;
        return value;
      }
    } else if (!"+-:,(#_".includes(kind)) {
      throw new ReplyError(`no reply of Redis: ${JSON.stringify(`${kind}${line}`.slice(0, 40))}`);
    }
    this.begin = next;
    return value;
  }
}

function countOf(line: string): number {
  const count = Number(line);
  if (!/^-?\d+$/.test(line) || count > MOST_ITEMS * 2) throw new ReplyError(`no length: ${JSON.stringify(line)}`);
  return count;
}
