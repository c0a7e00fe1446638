/** Going through bits that lie in a chunk of the heap: words of 32 where the bytes are aligned, which strings begin. */

/** Bits that are set in a word. */
export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many of the bytes' bits are set. */
export function countBits(bytes: Uint8Array, words: Int32Array, at: number, length: number): number {
  const end = at + length;
  let count = 0;
  for (; at < end && (at & 3) !== 0; at++) count += bitsOf(bytes[at]);
  const last = end >>> 2;
  let word = at >>> 2;
  for (; word < last; word++) count += bitsOf(words[word]);
  for (at = Math.max(at, word * 4); at < end; at++) count += bitsOf(bytes[at]);
  return count;
}

/** The place of the first bit that is `bit`, counted from the first of the bytes; -1: there is none. */
export function findBit(bytes: Uint8Array, words: Int32Array, at: number, length: number, bit: number): number {
  const skipped = bit === 1 ? 0 : 255;
  const end = at + length;
  let now = at;
  for (; now < end && (now & 3) !== 0 && bytes[now] === skipped; now++);
  if ((now & 3) === 0) {
    const word = bit === 1 ? 0 : -1;
    for (; now + 4 <= end && words[now >>> 2] === word; now += 4);
  }
  for (; now < end; now++) {
    if (bytes[now] !== skipped) return (now - at) * 8 + firstBit(bytes[now], bit);
  }
  return -1;
}

/** The first bit of a byte that is `bit`, counted from its highest; 8: none is. */
export function firstBit(byte: number, bit: number): number {
  return Math.clz32(bit === 1 ? byte : byte ^ 255) - 24;
}
