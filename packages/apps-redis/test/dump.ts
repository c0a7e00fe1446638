/** What is in a DUMP without compression: strings of the form that RDB has, behind the type. */

/** The string that begins at `at`, and where it ends. */
export function rdbString(dump: string, at: number): { text: string; end: number } {
  const first = dump.charCodeAt(at);
  const byte = (i: number) => dump.charCodeAt(at + i);
  let start = at + 1;
  let length = first & 63;
  if (first >> 6 === 1) {
    length = ((first & 63) << 8) | byte(1);
    start = at + 2;
  } else if (first === 0x80) {
    length = byte(1) * 2 ** 24 + (byte(2) << 16) + (byte(3) << 8) + byte(4);
    start = at + 5;
  } else if (first >> 6 !== 0) {
    throw new Error(`not a plain string: ${first}`);
  }
  return { text: dump.slice(start, start + length), end: start + length };
}

/** The version and the checksum at the end. */
export const FOOTER_BYTES = 10;
