/** Ranges of a sorted set by score and by member, as commands name them. */
import { compareBytes } from "../memory/bytes.js";
import { readLatin1 } from "../memory/latin1.js";
import { parseDouble, parseDoubleText } from "../numbers/doubles.js";
import type { Args } from "../protocol/args.js";
import type { OrderedTree } from "./ordered-tree.js";

const OPEN = 40; // "("
const CLOSED = 91; // "["
const PLUS = 43;
const MINUS = 45;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

export class ScoreRange {
  min = 0;
  max = 0;
  isMinOpen = false;
  isMaxOpen = false;

  /** From `min` to before `max`. */
  set(min: number, max: number): void {
    this.min = min;
    this.max = max;
    this.isMinOpen = false;
    this.isMaxOpen = true;
  }

  /** From two arguments; false: one is no number. */
  parse(args: Args, minIndex: number, maxIndex: number): boolean {
    this.isMinOpen = isOpen(args, minIndex);
    this.isMaxOpen = isOpen(args, maxIndex);
    this.min = bound(args, minIndex, this.isMinOpen);
    this.max = bound(args, maxIndex, this.isMaxOpen);
    return !Number.isNaN(this.min) && !Number.isNaN(this.max);
  }
}

const isOpen = (args: Args, i: number): boolean => args.length(i) !== 0 && args.bytes[args.at(i)] === OPEN;

/** By the rule of C's strtod on a C string: NaN where something is left. */
function bound(args: Args, i: number, open: boolean): number {
  const at = args.at(i) + (open ? 1 : 0);
  const length = args.length(i) - (open ? 1 : 0);
  const value = length === 0 ? 0 : parseDouble(args.bytes, at, length);
  if (value !== undefined) return value;
  const [text] = readLatin1(args.bytes, at, at + length).split("\0", 1);
  if (text === "") return 0;
  const number = text.replace(/^[ \t\n\v\f\r]+/, "");
  // Beyond a double's range that is infinite, or 0.
  if (DECIMAL.test(number)) return Number(number);
  return parseDoubleText(number) ?? Number.NaN;
}

/** Where a bound lies: before all members, at bytes, behind all. */
const FIRST = -1;
const AT = 0;
const LAST = 1;

export class LexRange {
  private min = AT;
  private max = AT;
  private isMinOpen = false;
  private isMaxOpen = false;
  private bytes!: Uint8Array;
  private minAt = 0;
  private minLength = 0;
  private maxAt = 0;
  private maxLength = 0;

  /** From two arguments, whose bytes stay where they are as long as the range is used; false: one is not "-", "+", "[..." or "(...". */
  parse(args: Args, minIndex: number, maxIndex: number): boolean {
    const min = boundKind(args, minIndex);
    const max = boundKind(args, maxIndex);
    if (min === undefined || max === undefined) return false;
    this.min = min;
    this.max = max;
    this.bytes = args.bytes;
    this.isMinOpen = args.bytes[args.at(minIndex)] !== CLOSED;
    this.isMaxOpen = args.bytes[args.at(maxIndex)] !== CLOSED;
    this.minAt = args.at(minIndex) + 1;
    this.minLength = args.length(minIndex) - 1;
    this.maxAt = args.at(maxIndex) + 1;
    this.maxLength = args.length(maxIndex) - 1;
    return true;
  }

  /** Nothing lies within, whatever there is. */
  get isEmpty(): boolean {
    const order = this.min !== AT || this.max !== AT ? this.min - this.max : this.compareBounds();
    return order > 0 || (order === 0 && (this.isMinOpen || this.isMaxOpen));
  }

  rankOfMin(tree: OrderedTree): number {
    if (this.min !== AT) return this.min === FIRST ? 0 : tree.size;
    return tree.rankOfMember(this.bytes, this.minAt, this.minLength, this.isMinOpen);
  }

  rankOfMax(tree: OrderedTree): number {
    if (this.max !== AT) return this.max === FIRST ? 0 : tree.size;
    return tree.rankOfMember(this.bytes, this.maxAt, this.maxLength, !this.isMaxOpen);
  }

  /** Of a member. */
  isAboveMin(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.min !== AT) return this.min === FIRST;
    const order = compareBytes(bytes, at, length, this.bytes, this.minAt, this.minLength);
    return this.isMinOpen ? order > 0 : order >= 0;
  }

  isBelowMax(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.max !== AT) return this.max === LAST;
    const order = compareBytes(bytes, at, length, this.bytes, this.maxAt, this.maxLength);
    return this.isMaxOpen ? order < 0 : order <= 0;
  }

  private compareBounds(): number {
    return compareBytes(this.bytes, this.minAt, this.minLength, this.bytes, this.maxAt, this.maxLength);
  }
}

function boundKind(args: Args, i: number): number | undefined {
  const at = args.at(i);
  const length = args.length(i);
  const first = length === 0 ? 0 : args.bytes[at];
  if (first === OPEN || first === CLOSED) return AT;
  // As a C string: what is behind a zero byte is not looked at.
  if ((first !== PLUS && first !== MINUS) || (length !== 1 && args.bytes[at + 1] !== 0)) return undefined;
  return first === PLUS ? LAST : FIRST;
}
