/** Texts of floating-point numbers, as the C library's strtod takes them in its own locale: decimal, hexadecimal, infinity. Nothing around. */

/** The size of a number as a fraction of integers times a power of two; never negative. */
export interface Magnitude {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly exponent: number;
}

/** What a text says: how large, or that it is infinite. */
export interface FloatText {
  readonly isNegative: boolean;
  readonly magnitude: Magnitude | "infinity";
}

const DECIMAL = /^(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEX = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^inf(?:inity)?$/i;

/** Exponents are cut to this, so that no text makes an integer of a billion digits. What is beyond is infinite or nothing either way. */
const MOST_EXPONENT = 20_000;
/** More digits of a hexadecimal text than these say only whether there is anything. */
const HEX_DIGITS = 40;

const ZERO: Magnitude = { numerator: 0n, denominator: 1n, exponent: 0 };

/** What the text says, or undefined where it is no number. "nan" is none here, as for Redis. */
export function readFloatText(text: string): FloatText | undefined {
  const sign = text[0];
  const isNegative = sign === "-";
  const rest = isNegative || sign === "+" ? text.slice(1) : text;
  const magnitude = INFINITE.test(rest) ? "infinity" : (decimal(rest) ?? hexadecimal(rest));
  return magnitude === undefined ? undefined : { isNegative, magnitude };
}

/** Of texts that are short beside {@link MOST_EXPONENT}. */
function decimal(text: string): Magnitude | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, whole, part = "", power = "0"] = match;
  if (whole === "" && part === "") return undefined;
  const digits = BigInt(whole + part);
  if (digits === 0n) return ZERO;
  const tens = cut(Number(power)) - part.length;
  if (tens >= 0) return { numerator: digits * 10n ** BigInt(tens), denominator: 1n, exponent: 0 };
  return { numerator: digits, denominator: 10n ** BigInt(-tens), exponent: 0 };
}

export function hexadecimal(text: string): Magnitude | undefined {
  const match = HEX.exec(text);
  if (match === null) return undefined;
  const [, whole, part = "", power = "0"] = match;
  if (whole === "" && part === "") return undefined;
  const digits = (whole + part).replace(/^0+/, "");
  if (digits === "") return ZERO;
  const more = digits.slice(HEX_DIGITS);
  const used = digits.slice(0, HEX_DIGITS) + (/[^0]/.test(more) ? "1" : "0");
  const dropped = digits.length - used.length;
  const exponent = cut(Number(power) + 4 * (dropped - part.length));
  return { numerator: BigInt(`0x${used}`), denominator: 1n, exponent };
}

function cut(power: number): number {
  return Math.max(-MOST_EXPONENT, Math.min(MOST_EXPONENT, power));
}

/** Bits of an integer that is not negative. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return 4 * (hex.length - 1) + 32 - Math.clz32(Number.parseInt(hex[0], 16));
}

/** The integer nearest to a fraction; of two the even one. */
export function nearest(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator - quotient * denominator);
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/**
 * The nearest number `mantissa * 2^exponent` with a mantissa of at most `bits` bits and an exponent of at least `least`; of two the one with
 * the even mantissa.
 */
export function rounded(magnitude: Magnitude, bits: number, least: number): { mantissa: bigint; exponent: number } {
  const { numerator, denominator } = magnitude;
  if (numerator === 0n) return { mantissa: 0n, exponent: least };
  // At most one bit more than is wanted, so that the exponent is right or one too small.
  let shift = Math.max(bitLength(numerator) - bitLength(denominator) - bits, least - magnitude.exponent);
  for (;;) {
    const mantissa =
      shift >= 0 ? nearest(numerator, denominator << BigInt(shift)) : nearest(numerator << BigInt(-shift), denominator);
    if (bitLength(mantissa) <= bits) return { mantissa, exponent: shift + magnitude.exponent };
    shift++;
  }
}
