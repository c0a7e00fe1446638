/** Integers as decimal digits in bytes, without making text of them. */

const BILLION = 1e9;

/** Characters of an integer that a number holds exactly. */
export function decimalLength(value: number): number {
  const magnitude = value < 0 ? -value : value;
  let length = value < 0 ? 2 : 1;
  for (let limit = 10; magnitude >= limit; limit *= 10) length++;
  return length;
}

/** Writes the integer, which has `length` characters, from `at` on. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number, length: number): void {
  let end = at + length;
  let rest = value < 0 ? -value : value;
  if (value < 0) bytes[at] = 45;
  // Nine digits at a time: division of what is beyond 32 bits is slow.
  for (; rest >= BILLION; ) {
    const high = Math.floor(rest / BILLION);
    let low = rest - high * BILLION;
    for (let n = 0; n < 9; n++) {
      const tenth = (low / 10) | 0;
      bytes[--end] = 48 + low - tenth * 10;
      low = tenth;
    }
    rest = high;
  }
  do {
    const tenth = (rest / 10) | 0;
    bytes[--end] = 48 + rest - tenth * 10;
    rest = tenth;
  } while (rest !== 0);
}
