/** The bytes of record `n`: its number, and as many more as the number says, up to some kilobytes. */
export function recordOf(n) {
  const length = 8 + ((n * 2654435761) % 97) * ((n * 40503) % 61);
  const bytes = Buffer.alloc(length, n & 255);
  bytes.writeDoubleLE(n, 0);
  return bytes;
}

/** The number that a record says it has. */
export const numberOf = (record) => record.readDoubleLE(0);
