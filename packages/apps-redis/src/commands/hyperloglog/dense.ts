/** Registers of six bits each, one behind the other, the lowest bit of a byte first. */

export const REGISTERS = 16384;
/** What is before the registers, in both forms: "HYLL", the form, three zeros, the count that was last worked out. */
export const HEADER_BYTES = 16;
export const DENSE_BYTES = HEADER_BYTES + (REGISTERS * 6) / 8;

/** `at`: where the registers begin. */
export function denseRegister(bytes: Uint8Array, at: number, register: number): number {
  const bit = register * 6;
  const byte = at + (bit >>> 3);
  const shift = bit & 7;
  const part = bytes[byte] >> shift;
  return (shift <= 2 ? part : part | (bytes[byte + 1] << (8 - shift))) & 63;
}

export function writeDenseRegister(bytes: Uint8Array, at: number, register: number, count: number): void {
  const bit = register * 6;
  const byte = at + (bit >>> 3);
  const shift = bit & 7;
  bytes[byte] = (bytes[byte] & ~(63 << shift)) | (count << shift);
  if (shift > 2) bytes[byte + 1] = (bytes[byte + 1] & ~(63 >> (8 - shift))) | (count >> (8 - shift));
}

/** Makes the register what `count` is, if that is more. Whether it was. */
export function raiseDense(bytes: Uint8Array, at: number, register: number, count: number): boolean {
  if (denseRegister(bytes, at, register) >= count) return false;
  writeDenseRegister(bytes, at, register, count);
  return true;
}

/** Counts in `histogram` how many registers have each value. */
export function denseHistogram(bytes: Uint8Array, at: number, histogram: Int32Array): void {
  for (let n = 0; n < REGISTERS; n += 4, at += 3) {
    const three = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    histogram[three & 63]++;
    histogram[(three >> 6) & 63]++;
    histogram[(three >> 12) & 63]++;
    histogram[three >> 18]++;
  }
}

/** Raises each of the registers in `most`, a byte each. */
export function mergeDense(bytes: Uint8Array, at: number, most: Uint8Array): void {
  for (let n = 0; n < REGISTERS; n++) {
    const count = denseRegister(bytes, at, n);
    if (count > most[n]) most[n] = count;
  }
}
