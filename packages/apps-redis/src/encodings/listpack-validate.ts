import { backSize, END, entrySize, headSize, readBack } from "./listpack-entry.js";

/** Of a listpack's head: its bytes in 32 bits, its elements in 16. */
export const HEAD_BYTES = 6;
/** Elements where there are more than the head can say. */
export const UNKNOWN = 0xffff;

/**
 * Whether these bytes of whoever sent them are a listpack: that its size is said right and it has an end, and with `deep` also that each element
 * lies within it, is as long at its end as at its head, and that they are as many as is said. What is deeply valid may be walked both ways.
 */
export function validateListpack(bytes: Uint8Array, offset: number, length: number, deep: boolean): boolean {
  if (length < HEAD_BYTES + 1) return false;
  const end = offset + length - 1;
  const low = bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16);
  if ((low | (bytes[offset + 3] << 24)) >>> 0 !== length || bytes[end] !== END) return false;
  return !deep || validateEntries(bytes, offset, end);
}

function validateEntries(bytes: Uint8Array, offset: number, end: number): boolean {
  const said = bytes[offset + 4] | (bytes[offset + 5] << 8);
  let at = offset + HEAD_BYTES;
  let count = 0;
  for (; at < end; count++) {
    const head = headSize(bytes[at]);
    if (head === 0 || at + head > end) return false;
    const size = entrySize(bytes, at);
    const next = at + size + backSize(size);
    if (next > end || readBack(bytes, next) !== size) return false;
    at = next;
  }
  return at === end && (said === UNKNOWN || said === count);
}
