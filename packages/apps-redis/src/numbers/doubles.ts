/** Doubles as Redis reads and prints them. */
import { readLatin1 } from "../memory/latin1.js";
import { hexadecimal, rounded } from "./float-text.js";
import type { Integer } from "./integers.js";

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/**
 * The number that these bytes are, or undefined: by the rule of Redis's string2d, which is strtod's (decimal, hexadecimal, "inf", "infinity")
 * without anything around, without "nan", and without what is too large or too small for a double.
 */
export function parseDouble(bytes: Uint8Array, offset: number, length: number): number | undefined {
  const end = offset + length;
  const sign = bytes[offset];
  const start = sign === 45 || sign === 43 ? offset + 1 : offset;
  // Up to 15 digits and a point: both integers of the quotient are exact, and so it is the nearest.
  if (length !== 0 && end - start <= 16) {
    let value = 0;
    let point = -1;
    let at = start;
    for (; at < end; at++) {
      const digit = bytes[at] - 48;
      if (digit >= 0 && digit <= 9) value = value * 10 + digit;
      else if (digit === -2 && point < 0) point = at;
      else break;
    }
    const digits = point < 0 ? at - start : at - start - 1;
    if (at === end && digits > 0 && digits <= 15) {
      if (point >= 0) value /= 10 ** (end - 1 - point);
      return sign === 45 ? -value : value;
    }
  }
  return parseDoubleText(readLatin1(bytes, offset, end));
}

/** As {@link parseDouble}, of a text. */
export function parseDoubleText(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (value === 0 ? /^[^e]*[1-9]/i.test(text) : !Number.isFinite(value)) return undefined;
    return value;
  }
  const isNegative = text[0] === "-";
  if (INFINITE.test(text)) return isNegative ? -Infinity : Infinity;
  const magnitude = hexadecimal(isNegative || text[0] === "+" ? text.slice(1) : text);
  if (magnitude === undefined) return undefined;
  const { mantissa, exponent } = rounded(magnitude, 53, -1074);
  const value = Number(mantissa) * 2 ** exponent;
  if (value === Infinity || (value === 0 && magnitude.numerator !== 0n)) return undefined;
  return isNegative ? -value : value;
}

/** As replies have it: C's %.17g. */
export function formatDouble(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  // Of up to 15 digits that are all there are: the shortest text is the exact one.
  if (Math.abs(value) < 1e6 && Number.isInteger(value * 512)) return String(value);
  if (mayBeHalfway(value)) return formatHalfway(value);
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e17) return trimmed(value.toPrecision(17));
  return exponential(value.toExponential(16));
}

/** The integer that a sorted set's listpack holds in place of this score, up to 2^62; of -0 that is 0. Undefined where the score is none. */
export function integerOfScore(value: number): Integer | undefined {
  if (Number.isSafeInteger(value)) return value + 0;
  return Number.isInteger(value) && Math.abs(value) <= 2 ** 62 ? BigInt(value) : undefined;
}

/** As a sorted set's listpack has it: see {@link integerOfScore}, else as replies have it. */
export function formatScore(value: number): string {
  const integer = integerOfScore(value);
  return integer === undefined ? formatDouble(value) : String(integer);
}

/**
 * Whether it could lie halfway between two texts of 17 digits. It has 18 digits then, the last three 125, 375, 625 or 875, and so no more than 25
 * binary places, and no shorter text than of 16 digits that is read as it.
 */
function mayBeHalfway(value: number): boolean {
  return Number.isInteger(value * 2 ** 25) && !Number.isInteger(value) && String(value).length > 16;
}

/** JavaScript takes the larger of two texts that are as near, C the even one. */
function formatHalfway(value: number): string {
  const exact = value.toExponential(60);
  const mark = exact.indexOf("e");
  // 17 digits and the point, perhaps after a minus.
  const kept = value < 0 ? 19 : 18;
  const isHalfway = /^50*$/.test(exact.slice(kept, mark));
  const isEven = "02468".includes(exact[kept - 1]);
  const text = isHalfway && isEven ? exact.slice(0, kept) + exact.slice(mark) : value.toExponential(16);
  const power = Number(text.slice(text.indexOf("e") + 1));
  if (power < -4 || power >= 17) return exponential(text);
  const sign = value < 0 ? "-" : "";
  const digits = text.slice(sign.length, text.indexOf("e")).replace(".", "");
  if (power < 0) return trimmed(`${sign}0.${"0".repeat(-power - 1)}${digits}`);
  return trimmed(`${sign}${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`);
}

/** Without zeros at the end of what is behind the point. */
function trimmed(text: string): string {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text[end - 1] === "0") end--;
  return text.slice(0, text[end - 1] === "." ? end - 1 : end);
}

/** JavaScript's exponential text as C has it: without zeros at the end, with at least two digits of the exponent. */
function exponential(text: string): string {
  const mark = text.indexOf("e");
  const power = text.slice(mark + 2);
  return `${trimmed(text.slice(0, mark))}e${text[mark + 1]}${power.length === 1 ? "0" : ""}${power}`;
}
