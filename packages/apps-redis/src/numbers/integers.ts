/**
 * Texts that are a 64-bit integer, by the rule of Redis's string2ll: digits without a leading zero, at most a minus before them, nothing
 * around. So the integer gives exactly its text back, and may be stored in its place.
 */

/** An integer of 64 bits: a bigint where a number does not hold it exactly. */
export type Integer = number | bigint;

const MINUS = 45;
const ZERO = 48;
/** Of "-9223372036854775808". */
const MOST_CHARACTERS = 20;
/** Digits that a number holds whichever they are. */
const SAFE_DIGITS = 15;
const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/** The integer that these bytes are, or undefined. */
export function parseInteger(bytes: Uint8Array, offset: number, length: number): Integer | undefined {
  if (length === 0 || length > MOST_CHARACTERS) return undefined;
  const end = offset + length;
  const negative = bytes[offset] === MINUS;
  let at = negative ? offset + 1 : offset;
  if (end - at > SAFE_DIGITS) return parseLong(bytes, offset, end);
  // "" after a minus: bytes[at] may be anything there.
  if (at === end) return undefined;
  let value = bytes[at] - ZERO;
  if (value < 1 || value > 9) return value === 0 && length === 1 ? 0 : undefined;
  for (at++; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** As {@link parseInteger}, of a text. */
export function parseIntegerText(text: string): Integer | undefined {
  const length = text.length;
  if (length === 0 || length > MOST_CHARACTERS) return undefined;
  const negative = text.charCodeAt(0) === MINUS;
  let at = negative ? 1 : 0;
  if (at === length) return undefined;
  let value = text.charCodeAt(at) - ZERO;
  if (value < 1 || value > 9) return value === 0 && length === 1 ? 0 : undefined;
  const isLong = length - at > SAFE_DIGITS;
  for (at++; at < length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return isLong ? fitted(text) : negative ? -value : value;
}

/** The integer as a number where that is exact. */
export function shortened(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The integer of two's complement with these 32-bit halves. */
export function fromHalves(low: number, high: number): Integer {
  // Beyond 2^53 on either side.
  if (high >= 0x200000 || high < -0x200000 || (high === -0x200000 && low === 0)) {
    return (BigInt(high) << 32n) | BigInt(low >>> 0);
  }
  return high * 2 ** 32 + (low >>> 0);
}

/** The upper 32 bits of two's complement, signed. The lower ones are {@link lowHalf}. */
export function highHalf(value: Integer): number {
  return typeof value === "number" ? Math.floor(value / 2 ** 32) | 0 : Number(BigInt.asIntN(32, value >> 32n));
}

export function lowHalf(value: Integer): number {
  return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
}

function parseLong(bytes: Uint8Array, offset: number, end: number): Integer | undefined {
  // Most texts of this length are none: that is seen without making one of JavaScript.
  for (let at = bytes[offset] === MINUS ? offset + 1 : offset; at < end; at++) {
    if (bytes[at] < ZERO || bytes[at] > ZERO + 9) return undefined;
  }
  let text = "";
  for (let at = offset; at < end; at++) text += String.fromCharCode(bytes[at]);
  return parseIntegerText(text);
}

/** Of digits as the rule has them: the integer, unless it is beyond 64 bits. */
function fitted(text: string): Integer | undefined {
  const value = BigInt(text);
  return value < SMALLEST || value > LARGEST ? undefined : shortened(value);
}
