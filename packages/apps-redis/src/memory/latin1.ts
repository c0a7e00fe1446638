/** Texts of bytes, a character for each ("latin1", "binary"): how bytes are held on the JavaScript heap, outside hot paths. */

/** Shorter texts are quicker to put together here than by a call into Node.js. */
const SHORT = 12;

/** Buffer's own calls, which take any Uint8Array, and spare a Buffer over each chunk. */
const native = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number;
};

export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return native.latin1Slice.call(bytes, start, end);
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

/** Writes the text's bytes from `at` on. */
export function writeLatin1(bytes: Uint8Array, at: number, text: string): void {
  if (text.length > SHORT) native.latin1Write.call(bytes, text, at, text.length);
  else for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** More bytes than this are copied by a call; for fewer that costs more than a loop, and leaves an object for the garbage collector. */
const MOST_LOOPED = 64;

/** Copies bytes. */
export function copyBytes(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > MOST_LOOPED) {
    to.set(from.subarray(start, start + length), at);
    return;
  }
  let i = 0;
  for (const whole = length - 7; i < whole; i += 8) {
    to[at + i] = from[start + i];
    to[at + i + 1] = from[start + i + 1];
    to[at + i + 2] = from[start + i + 2];
    to[at + i + 3] = from[start + i + 3];
    to[at + i + 4] = from[start + i + 4];
    to[at + i + 5] = from[start + i + 5];
    to[at + i + 6] = from[start + i + 6];
    to[at + i + 7] = from[start + i + 7];
  }
  for (; i < length; i++) to[at + i] = from[start + i];
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
