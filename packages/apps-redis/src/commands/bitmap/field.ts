/** Integers of any width up to 64 bits within a string of bits, the highest bit first; and what becomes of them beyond their width. */

export interface Field {
  /** In bits. */
  offset: number;
  bits: number;
  isSigned: boolean;
}

export type Overflow = "wrap" | "sat" | "fail";

/** The value of a field. What is behind `length` bytes is zero. */
export function readField(bytes: Uint8Array, at: number, length: number, { offset, bits, isSigned }: Field): bigint {
  const lastBit = offset + bits - 1;
  let value = 0n;
  for (let n = Math.floor(offset / 8); n <= Math.floor(lastBit / 8); n++) {
    value = (value << 8n) | BigInt(n < length ? bytes[at + n] : 0);
  }
  value >>= BigInt(7 - (lastBit & 7));
  return isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** Writes a field, all of which is there. */
export function writeField(bytes: Uint8Array, at: number, { offset, bits }: Field, value: bigint): void {
  const lastBit = offset + bits - 1;
  const shift = BigInt(7 - (lastBit & 7));
  let rest = BigInt.asUintN(bits, value) << shift;
  let mask = ((1n << BigInt(bits)) - 1n) << shift;
  for (let n = Math.floor(lastBit / 8); n >= Math.floor(offset / 8); n--) {
    bytes[at + n] = (bytes[at + n] & ~Number(mask & 255n)) | Number(rest & 255n);
    rest >>= 8n;
    mask >>= 8n;
  }
}

/** What a field is to hold instead of `value + by`, as `overflow` says; undefined: its width holds that. */
export function overflowed(field: Field, value: bigint, by: bigint, overflow: Overflow): bigint | undefined {
  const bits = BigInt(field.bits);
  const largest = (1n << (field.isSigned ? bits - 1n : bits)) - 1n;
  const smallest = field.isSigned ? -largest - 1n : 0n;
  const beyond = field.isSigned
    ? signedBeyond(value, by, field.bits, smallest, largest)
    : unsignedBeyond(BigInt.asUintN(64, value), by, largest);
  if (beyond === 0) return undefined;
  if (overflow === "sat") return beyond > 0 ? largest : smallest;
  return field.isSigned ? BigInt.asIntN(field.bits, value + by) : BigInt.asUintN(field.bits, value + by);
}

/** 1: above the range; -1: below. The room that is left is counted in 64 bits, as Redis does: very small values of SET have too little. */
function signedBeyond(value: bigint, by: bigint, bits: number, smallest: bigint, largest: bigint): number {
  const above = BigInt.asIntN(64, largest - value);
  const below = BigInt.asIntN(64, smallest - value);
  if (value > largest || (bits !== 64 && by > above) || (value >= 0n && by > 0n && by > above)) return 1;
  if (value < smallest || (bits !== 64 && by < below) || (value < 0n && by < 0n && by < below)) return -1;
  return 0;
}

function unsignedBeyond(value: bigint, by: bigint, largest: bigint): number {
  if (value > largest || (by > 0n && by > largest - value)) return 1;
  return by < 0n && by < -value ? -1 : 0;
}
