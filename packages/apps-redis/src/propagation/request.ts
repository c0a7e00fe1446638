/** Where a request lies as it was sent. */
import { decimalLength } from "../numbers/decimal.js";
import type { Args } from "../protocol/args.js";

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
/** Around the digits of a length: what it is of, and the line's end. */
const AROUND = 3;

/**
 * Where the request begins that these arguments lie in, if its bytes are what RESP says, every one of them: an array of bulk strings. Those of an
 * inline request, and a copy's, lie behind one another. -1: it does not. The parser has gone through the digits, and does not look at line feeds.
 */
export function requestBegin(args: Args): number {
  const { bytes, count } = args;
  let next = args.at(0) - AROUND - decimalLength(args.length(0));
  const begin = next - AROUND - decimalLength(count);
  if (begin < 0 || bytes[begin] !== STAR || bytes[next - 1] !== LF) return -1;
  for (let i = 0; i < count; i++) {
    const at = args.at(i);
    const length = args.length(i);
    const end = at + length;
    if (at - next !== AROUND + decimalLength(length) || bytes[next] !== DOLLAR) return -1;
    if (bytes[at - 1] !== LF || bytes[end] !== CR || bytes[end + 1] !== LF) return -1;
    next = end + 2;
  }
  return begin;
}

/** Where it ends. */
export const requestEnd = (args: Args): number => args.at(args.count - 1) + args.length(args.count - 1) + 2;
