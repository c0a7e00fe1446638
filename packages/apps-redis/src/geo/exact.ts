/**
 * sin, cos and asin to the nearest double. The C library misses it for one argument in a thousand, JavaScript for one in twenty-five, each by a
 * unit in the last place. Slow: for distances that are told with all their digits.
 */

/** Bits behind the point of fixed-point numbers. */
const BITS = 200;
const ONE = 1n << BigInt(BITS);
const SCALE = 2 ** BITS;
/** Each gives twice the digits, of which the first has those of a double. */
const NEWTON_STEPS = 3;

/** A double of at most a few units, exactly. */
function fixed(value: number): bigint {
  // Both factors are powers of two, so that nothing is lost down to 2^-147.
  const whole = value * 2 ** 147;
  const rest = whole - Math.trunc(whole);
  return (BigInt(Math.trunc(whole)) << BigInt(BITS - 147)) + BigInt(Math.trunc(rest * 2 ** (BITS - 147)));
}

const toDouble = (value: bigint): number => Number(value) / SCALE;
const times = (a: bigint, b: bigint): bigint => (a * b) >> BigInt(BITS);

/** Taylor's series: of sin with the argument as the first term, of cos with 1. */
function series(first: bigint, square: bigint, from: bigint): bigint {
  let sum = first;
  let term = first;
  for (let n = from; term > 1n || term < -1n; n += 2n) {
    term = -times(term, square) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}

const sine = (x: bigint): bigint => series(x, times(x, x), 2n);
const cosine = (x: bigint): bigint => series(ONE, times(x, x), 1n);

export function exactSin(x: number): number {
  return x === 0 ? x : toDouble(sine(fixed(x)));
}

export function exactCos(x: number): number {
  return toDouble(cosine(fixed(x)));
}

/** From 0 to 1; NaN of more. */
export function exactAsin(x: number): number {
  if (x === 0 || x >= 1) return Math.asin(x);
  const wanted = fixed(x);
  let angle = fixed(Math.asin(x));
  for (let n = 0; n < NEWTON_STEPS; n++) angle += ((wanted - sine(angle)) << BigInt(BITS)) / cosine(angle);
  return toDouble(angle);
}
