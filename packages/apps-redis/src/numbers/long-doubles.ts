/**
 * The numbers of INCRBYFLOAT and HINCRBYFLOAT: x86's long double, which has a mantissa of 64 bits, so that sums are what redis-server has to the
 * last digit.
 */
import { type Magnitude, nearest, readFloatText, rounded } from "./float-text.js";

/** `mantissa * 2^exponent`; infinite where the exponent is. */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const BITS = 64;
const SMALLEST_EXPONENT = -16445;
const LARGEST_EXPONENT = 16384 - BITS;
/** Redis reads shorter texts than this. */
const TEXT_LIMIT = 5 * 1024;
/** Digits behind the point. */
const PLACES = 17;

/** The number that a text is, or undefined: by the rule of Redis's string2ld, which is strtold's as parseDoubleText() says it of strtod. */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length >= TEXT_LIMIT) return undefined;
  const read = readFloatText(text);
  if (read === undefined) return undefined;
  const sign = read.isNegative ? -1n : 1n;
  if (read.magnitude === "infinity") return { mantissa: sign, exponent: Infinity };
  const value = fitted(read.magnitude, read.isNegative);
  if (value.exponent === Infinity || (value.mantissa === 0n && read.magnitude.numerator !== 0n)) return undefined;
  return value;
}

export function isInfinite(value: LongDouble): boolean {
  return value.exponent === Infinity;
}

/** The sum, or undefined where it is infinite or no number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (isInfinite(a) || isInfinite(b)) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  const magnitude = { numerator: sum < 0n ? -sum : sum, denominator: 1n, exponent };
  const value = fitted(magnitude, sum < 0n);
  return isInfinite(value) ? undefined : value;
}

/** As Redis stores and replies it: 17 digits behind the point (rounded to even), without zeros at the end, never with an exponent. */
export function formatLongDouble(value: LongDouble): string {
  if (isInfinite(value)) return value.mantissa > 0n ? "inf" : "-inf";
  const { exponent } = value;
  const isNegative = value.mantissa < 0n;
  const scaled = (isNegative ? -value.mantissa : value.mantissa) * 10n ** BigInt(PLACES);
  const units = exponent >= 0 ? scaled << BigInt(exponent) : nearest(scaled, 1n << BigInt(-exponent));
  if (units === 0n) return "0";
  const digits = String(units).padStart(PLACES + 1, "0");
  const point = digits.length - PLACES;
  const places = digits.slice(point).replace(/0+$/, "");
  return `${isNegative ? "-" : ""}${digits.slice(0, point)}${places === "" ? "" : `.${places}`}`;
}

function fitted(magnitude: Magnitude, isNegative: boolean): LongDouble {
  const { mantissa, exponent } = rounded(magnitude, BITS, SMALLEST_EXPONENT);
  if (exponent > LARGEST_EXPONENT) return { mantissa: isNegative ? -1n : 1n, exponent: Infinity };
  return { mantissa: isNegative ? -mantissa : mantissa, exponent };
}
