/** Where an element goes: its register, and how long a run of zeros it shows there. By MurmurHash64A (Appleby), 64 bits as two halves. */
import { REGISTERS } from "./dense.js";

const SEED = 0xadc83b19 | 0;
const FACTOR_LOW = 0x5bd1e995;
const FACTOR_HIGH = 0xc6a4a793 | 0;
/** Of the hash the lowest bits are the register; the others are looked at for zeros. */
const REGISTER_BITS = 14;
const LONGEST_RUN = 64 - REGISTER_BITS + 1;

/** The register of the last element, and its count: zeros from the lowest bit on, and the one behind them. */
export let register = 0;
export let count = 0;

let low = 0;
let high = 0;

/** Sets {@link register} and {@link count}. */
export function hashElement(bytes: Uint8Array, at: number, length: number): void {
  murmur(bytes, at, length);
  register = low & (REGISTERS - 1);
  const rest = low >>> REGISTER_BITS;
  if (rest !== 0) count = zeros(rest) + 1;
  else count = high !== 0 ? 32 - REGISTER_BITS + zeros(high) + 1 : LONGEST_RUN;
}

/** Zeros at the low end. */
const zeros = (word: number): number => 31 - Math.clz32(word & -word);

function murmur(bytes: Uint8Array, at: number, length: number): void {
  low = length;
  high = 0;
  multiply();
  let hashLow = low ^ SEED;
  let hashHigh = high;
  const whole = at + length - (length & 7);
  for (; at < whole; at += 8) {
    low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
    multiply();
    low ^= high >>> 15;
    multiply();
    low ^= hashLow;
    high ^= hashHigh;
    multiply();
    hashLow = low;
    hashHigh = high;
  }
  low = hashLow;
  high = hashHigh;
  const tail = length & 7;
  if (tail !== 0) {
    for (let n = 0; n < tail; n++) {
      if (n < 4) low ^= bytes[at + n] << (n * 8);
      else high ^= bytes[at + n] << (n * 8 - 32);
    }
    multiply();
  }
  low ^= high >>> 15;
  multiply();
  low ^= high >>> 15;
}

/** The 64 bits of low and high times the factor. */
function multiply(): void {
  const a = low & 0xffff;
  const b = low >>> 16;
  const lowest = Math.imul(a, FACTOR_LOW & 0xffff);
  const one = Math.imul(a, FACTOR_LOW >>> 16);
  const other = Math.imul(b, FACTOR_LOW & 0xffff);
  const carry = ((lowest >>> 16) + (one & 0xffff) + (other & 0xffff)) >>> 16;
  const upper = Math.imul(b, FACTOR_LOW >>> 16) + (one >>> 16) + (other >>> 16) + carry;
  high = (upper + Math.imul(high, FACTOR_LOW) + Math.imul(low, FACTOR_HIGH)) | 0;
  low = Math.imul(low, FACTOR_LOW);
}
