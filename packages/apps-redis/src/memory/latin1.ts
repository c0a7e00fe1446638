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
