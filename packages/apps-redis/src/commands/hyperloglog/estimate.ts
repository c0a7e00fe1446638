/** How many different elements there were, from how many registers have each value (Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017). */
import { type Integer, shortened } from "../../numbers/integers.js";
import { REGISTERS } from "./dense.js";

/** The largest value of a register that hashes have. */
const LARGEST = 51;
/** 1 / (2 ln 2) */
const ALPHA = 0.7213475204444817;
/** What a conversion to 64 bits gives for what is beyond them. */
const BEYOND = -(2n ** 63n);

export const newHistogram = (): Int32Array => new Int32Array(64);

export function estimate(histogram: Int32Array): Integer {
  let z = REGISTERS * tau((REGISTERS - histogram[LARGEST]) / REGISTERS);
  for (let value = LARGEST - 1; value >= 1; value--) z = (z + histogram[value]) * 0.5;
  z += REGISTERS * sigma(histogram[0] / REGISTERS);
  const elements = Math.round((ALPHA * REGISTERS * REGISTERS) / z);
  return elements < 2 ** 63 ? shortened(BigInt(elements)) : BEYOND;
}

/** For registers that are zero. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let y = 1;
  let z = x;
  for (let before = -1; before !== z; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

/** For registers that are full. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (let before = -1; before !== z; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}
