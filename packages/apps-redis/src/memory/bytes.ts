/**
 * Copies and compares bytes four at a time, for the lengths of keys and values that are usual: for fewer than some hundred a loop costs less
 * than a call, and leaves no object for the garbage collector.
 *
 * JavaScript reads words at any address by a DataView only, and to make one costs more than what it saves. So memory that lasts has its own, as
 * a property: {@link withWords}. Memory without one is copied byte by byte.
 */

export interface Words extends Uint8Array<ArrayBufferLike> {
  words?: DataView;
}

/** More bytes than this are copied by a call. */
const MOST_LOOPED = 256;

/** Called as functions: with and without words, arrays are of more kinds than a property is looked up for quickly. */
const native = Uint8Array.prototype;

/** Moves bytes within an array, which may overlap: those from `start` to `end` to `at`. */
export function moveBytes(bytes: Uint8Array, at: number, start: number, end: number): void {
  native.copyWithin.call(bytes, at, start, end);
}

/** Gives memory that lasts its words. */
export function withWords<T extends Uint8Array<ArrayBufferLike>>(bytes: T): T {
  (bytes as Words).words ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes;
}

/** Copies bytes. Within the same memory only towards its beginning. */
export function copyBytes(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > MOST_LOOPED) {
    native.set.call(to, native.subarray.call(from, start, start + length), at);
    return;
  }
  const source = (from as Words).words;
  const target = (to as Words).words;
  let i = 0;
  if (source !== undefined && target !== undefined) {
    for (const whole = length - 15; i < whole; i += 16) {
      target.setInt32(at + i, source.getInt32(start + i, true), true);
      target.setInt32(at + i + 4, source.getInt32(start + i + 4, true), true);
      target.setInt32(at + i + 8, source.getInt32(start + i + 8, true), true);
      target.setInt32(at + i + 12, source.getInt32(start + i + 12, true), true);
    }
    for (const whole = length - 3; i < whole; i += 4) target.setInt32(at + i, source.getInt32(start + i, true), true);
  }
  for (; i < length; i++) to[at + i] = from[start + i];
}

/** Whether they are the same. */
export function sameBytes(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  const one = (a as Words).words;
  const other = (b as Words).words;
  let i = 0;
  if (one !== undefined && other !== undefined) {
    for (const whole = length - 3; i < whole; i += 4) {
      if (one.getInt32(atA + i, true) !== other.getInt32(atB + i, true)) return false;
    }
  }
  for (; i < length; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

/** How bytes compare with others: one by one, then the shorter first (memcmp). Less than 0: they come before them. */
export function compareBytes(
  a: Uint8Array,
  atA: number,
  lengthA: number,
  b: Uint8Array,
  atB: number,
  lengthB: number,
): number {
  const shorter = Math.min(lengthA, lengthB);
  for (let i = 0; i < shorter; i++) {
    const difference = a[atA + i] - b[atB + i];
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
