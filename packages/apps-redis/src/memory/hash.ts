/** MurmurHash3 (Appleby, x86 32-bit) with a seed that differs in each process, so that nobody outside knows which keys share a bucket. */
import { randomInt } from "node:crypto";
import type { Words } from "./bytes.js";

const SEED = randomInt(2 ** 32) | 0;
/** By a name of the module: where globals are looked up each time, as in a context of node:vm, this is most of what a hash takes. */
const { imul } = Math;

export function hashOf(bytes: Uint8Array, at: number, length: number): number {
  let h = SEED;
  const whole = at + (length & ~3);
  const { words } = bytes as Words;
  for (let i = at; i < whole; i += 4) {
    let k =
      words !== undefined
        ? words.getInt32(i, true)
        : bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    k = imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (imul(h, 5) + 0xe6546b64) | 0;
  }
  let k = 0;
  for (let n = length & 3; n-- !== 0; ) k = (k << 8) | bytes[whole + n];
  if (k !== 0) {
    k = imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= imul(k, 0x1b873593);
  }
  h ^= length;
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
