/** The range of bits that BITCOUNT and BITPOS are given: from a first byte or bit to a last one, negative ones from the end. */
import type { Integer } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";

/** Whether argument `i`, which is BIT or BYTE, says that bits are counted; undefined: it is neither, which was replied. */
export function countsBits(call: Call, i: number): boolean | undefined {
  if (call.args.is(i, "bit")) return true;
  if (call.args.is(i, "byte")) return false;
  call.syntaxError();
  return undefined;
}

/** First and last bit, counted from 0; there are none if the last is before the first. There is one, reused. */
export const range = { first: 0, last: 0 };

/** Sets the range within a string of `length` bytes. */
export function setRange(first: Integer, last: Integer, inBits: boolean, length: number): void {
  const total = inBits ? length * 8 : length;
  const begin = bounded(Number(first), total);
  const end = Math.min(bounded(Number(last), total), total - 1);
  range.first = inBits ? begin : begin * 8;
  range.last = inBits ? end : end * 8 + 7;
}

const bounded = (index: number, total: number): number => Math.max(index < 0 ? total + index : index, 0);
