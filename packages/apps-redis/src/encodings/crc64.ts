/**
 * The checksum of DUMP payloads and RDB files: CRC-64 with the polynomial 0xad93d23594c935a9 (Jones), bits reversed, from 0 on and not
 * complemented. Eight bytes at a time by eight tables (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based
 * CRC Generators", 2005), in halves of 32 bits.
 */

/** The polynomial with its bits reversed. */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

/** Of table `k` the entry `byte` is at `k * 256 + byte`: what the byte gives with `k` bytes of zero behind it. */
const LOW = new Int32Array(8 * 256);
const HIGH = new Int32Array(8 * 256);

for (let byte = 0; byte < 256; byte++) {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  LOW[byte] = Number(BigInt.asIntN(32, crc));
  HIGH[byte] = Number(BigInt.asIntN(32, crc >> 32n));
}
for (let at = 256; at < 8 * 256; at++) {
  const low = LOW[at - 256];
  const high = HIGH[at - 256];
  LOW[at] = LOW[low & 255] ^ ((low >>> 8) | (high << 24));
  HIGH[at] = HIGH[low & 255] ^ (high >>> 8);
}

export class Crc64 {
  private low = 0;
  private high = 0;

  /** Over these bytes behind those before. */
  update(bytes: Uint8Array, offset: number, length: number): this {
    let { low, high } = this;
    let at = offset;
    const end = offset + length;
    for (; end - at >= 8; at += 8) {
      low ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      high ^= bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
      const a = 1792 + (low & 255);
      const b = 1536 + ((low >>> 8) & 255);
      const c = 1280 + ((low >>> 16) & 255);
      const d = 1024 + (low >>> 24);
      const e = 768 + (high & 255);
      const f = 512 + ((high >>> 8) & 255);
      const g = 256 + ((high >>> 16) & 255);
      const h = high >>> 24;
      low = LOW[a] ^ LOW[b] ^ LOW[c] ^ LOW[d] ^ LOW[e] ^ LOW[f] ^ LOW[g] ^ LOW[h];
      high = HIGH[a] ^ HIGH[b] ^ HIGH[c] ^ HIGH[d] ^ HIGH[e] ^ HIGH[f] ^ HIGH[g] ^ HIGH[h];
    }
    for (; at < end; at++) {
      const entry = (low ^ bytes[at]) & 255;
      low = LOW[entry] ^ ((low >>> 8) | (high << 24));
      high = HIGH[entry] ^ (high >>> 8);
    }
    this.low = low;
    this.high = high;
    return this;
  }

  /** Writes the eight bytes that a payload ends with. */
  write(target: Uint8Array, at: number): void {
    for (let i = 0; i < 4; i++) {
      target[at + i] = this.low >> (8 * i);
      target[at + 4 + i] = this.high >> (8 * i);
    }
  }

  /** Whether these eight bytes are it. */
  isAt(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < 4; i++) {
      if (bytes[at + i] !== ((this.low >> (8 * i)) & 255) || bytes[at + 4 + i] !== ((this.high >> (8 * i)) & 255))
        return false;
    }
    return true;
  }

  get value(): bigint {
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }
}
