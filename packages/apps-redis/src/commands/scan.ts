/** What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, COUNT, MATCH and (of SCAN) TYPE, and the walk through a hash table. */
import { globMatches } from "../glob.js";
import type { Dict } from "../memory/dict.js";
import type { Ref } from "../memory/heap.js";
import { type Call, NOT_INTEGER } from "../server/call.js";

/** Elements of one call where COUNT does not say. */
const USUAL_COUNT = 10;
/** Buckets that are looked at for each element that was asked for, at most. */
const BUCKETS_EACH = 10;
const LARGEST_CURSOR = 2n ** 64n - 1n;

export interface ScanOptions {
  count: number;
  /** The argument that MATCH names; 0: all match. */
  pattern: number;
  /** The argument that TYPE names, in lower case; undefined: all types. */
  type: string | undefined;
}

/**
 * Argument `i` as a cursor (strtoul's rule: a sign is taken, and nothing at all is 0), of which the lower 32 bits say everything. undefined: it
 * is none, which was replied.
 */
export function scanCursor(call: Call, i: number): number | undefined {
  const small = call.args.safeInteger(i);
  if (small !== undefined && small >= 0 && small <= 0xffffffff) return small;
  const [text] = call.args.text(i).split("\0", 1);
  if (text === "") return 0;
  if (/^[+-]?[0-9]+$/.test(text)) {
    const digits = text.replace(/^[+-]?0*/, "");
    const value = digits.length > 20 ? LARGEST_CURSOR + 1n : BigInt(digits);
    if (value <= LARGEST_CURSOR) return Number(BigInt.asUintN(32, text[0] === "-" ? -value : value));
  }
  call.reply.error("ERR invalid cursor");
  return undefined;
}

/** The options from argument `i` on; undefined: one is wrong, which was replied. */
export function scanOptions(call: Call, i: number, takesType = false): ScanOptions | undefined {
  const { args, reply } = call;
  const options: ScanOptions = { count: USUAL_COUNT, pattern: 0, type: undefined };
  for (; i < args.count; i += 2) {
    const hasValue = i + 1 < args.count;
    if (hasValue && args.is(i, "count")) {
      const count = args.integer(i + 1);
      if (count === undefined) {
        reply.error(NOT_INTEGER);
        return undefined;
      }
      if (count < 1n) break;
      options.count = Number(count);
    } else if (hasValue && args.is(i, "match")) {
      // "*" alone also matches what is empty, unlike a pattern.
      options.pattern = args.length(i + 1) === 1 && args.is(i + 1, "*") ? 0 : i + 1;
    } else if (hasValue && takesType && args.is(i, "type")) {
      options.type = args.text(i + 1).toLowerCase();
    } else {
      break;
    }
  }
  if (i < args.count) {
    call.syntaxError();
    return undefined;
  }
  return options;
}

/** Whether MATCH takes these bytes. */
export function scanMatches(call: Call, options: ScanOptions, bytes: Uint8Array, at: number, length: number): boolean {
  const { pattern } = options;
  if (pattern === 0) return true;
  const { args } = call;
  return globMatches(args.bytes, args.at(pattern), args.length(pattern), bytes, at, length);
}

/**
 * Tells `found` records of the table from `cursor` on, until there are as many as COUNT says or it has passed many empty buckets. Returns the next
 * cursor, 0 at the end. `found` must not change the table.
 */
export function scanDict(dict: Dict, cursor: number, options: ScanOptions, found: (ref: Ref) => void): number {
  let rest = options.count * BUCKETS_EACH;
  let count = 0;
  const counted = (ref: Ref) => {
    count++;
    found(ref);
  };
  do {
    cursor = dict.scan(cursor, counted);
  } while (cursor !== 0 && rest-- > 0 && count < options.count);
  return cursor;
}

/** The reply: the cursor, and what `write` writes, which returns how many elements that is. */
export function replyScan(call: Call, write: () => { cursor: number; count: number }): void {
  const { reply } = call;
  const mark = reply.mark();
  const { cursor, count } = write();
  reply.insert(mark, (head) => {
    head.array(2);
    head.text(String(cursor));
    head.array(count);
  });
}
