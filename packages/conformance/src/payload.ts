/** Bytes that tell where they came from, and the numbers behind them. */
import { createHash } from "node:crypto";

// Not looked up again for each number: in a context of node:vm, where jest runs tests, every use of a global is a call.
const { imul } = Math;

/** A small seeded generator (a 32-bit Weyl sequence, mixed): numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = imul(z ^ (z >>> 16), 0x85ebca6b);
    z = imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 0x100000000;
  };
}

/** `length` bytes that follow from the generator's next number. */
export function randomBytes(random: () => number, length: number): Buffer {
  const words = new Int32Array(Math.ceil(length / 4));
  const count = words.length;
  const next = generator(random() * 0x100000000);
  for (let i = 0; i < count; i++) words[i] = next() * 0x100000000;
  return Buffer.from(words.buffer, 0, length);
}

/** A whole number from `low` to `high`, both included. */
export function between(random: () => number, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

export function sha256(...parts: Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
