/** What the client sends: bytes that differ from message to message, so that a stale or foreign echo is recognised. */
import { randomFillSync } from "node:crypto";

/** Different contents before they repeat. A prime, so that no pattern of connections or buffers stays in step with it. */
const VARIANTS = 4093;

/** Bytes up to which a loop is quicker than a call into Node. */
const SHORT = 256;

/** Messages in a libOS's arena: a place is a number of bytes from the beginning of its ArrayBuffer. */
export class Payloads {
  private readonly noise: Buffer;
  /**
   * The same bytes as numbers: messages start at a number's boundary, and short ones are written and compared so. None is a NaN or a zero,
   * which would not be equal to itself, or to another's bytes.
   */
  private readonly noiseNumbers: Float64Array;
  private memory: Uint8Array = new Uint8Array(0);
  private memoryNumbers: Float64Array = new Float64Array(0);

  constructor(readonly size: number) {
    this.noiseNumbers = new Float64Array(VARIANTS + ((size + 7) >> 3));
    this.noise = Buffer.from(this.noiseNumbers.buffer);
    randomFillSync(this.noise);
    for (let i = 7; i < this.noise.length; i += 8) {
      // Sign and exponent (IEEE 754, little-endian): neither all ones nor all zeros.
      this.noise[i] = ((this.noise[i] as number) & 0xbf) | 0x20;
    }
  }

  /** The place in its arena of what lies in `view` from `at` on. All views are of one arena. */
  place(view: Uint8Array, at: number): number {
    if (this.memory.length === 0) {
      this.memory = new Uint8Array(view.buffer);
      this.memoryNumbers = new Float64Array(view.buffer, 0, view.buffer.byteLength >> 3);
    }
    return view.byteOffset + at;
  }

  /** Writes message number `n` to a place. */
  fill(place: number, n: number): void {
    const first = n % VARIANTS;
    let i = 0;
    if ((place & 7) === 0 && this.size <= SHORT) {
      const { noiseNumbers, memoryNumbers } = this;
      const to = place >> 3;
      const count = this.size >> 3;
      for (let k = 0; k < count; k++) memoryNumbers[to + k] = noiseNumbers[first + k] as number;
      i = 8 * count;
    }
    if (i !== this.size) this.noise.copy(this.memory, place + i, 8 * first + i, 8 * first + this.size);
  }

  /** True when the `length` bytes at a place are those of message `n` from `offset` on. */
  matches(place: number, length: number, n: number, offset = 0): boolean {
    if (offset + length > this.size) return false;
    const start = 8 * (n % VARIANTS) + offset;
    let i = 0;
    if (((place | offset) & 7) === 0 && length <= SHORT) {
      const { noiseNumbers, memoryNumbers } = this;
      const at = place >> 3;
      const first = start >> 3;
      const count = length >> 3;
      for (let k = 0; k < count; k++) if (memoryNumbers[at + k] !== noiseNumbers[first + k]) return false;
      i = 8 * count;
    }
    return i === length || this.noise.compare(this.memory, place + i, place + length, start + i, start + length) === 0;
  }

  /** What went wrong, for people: the first byte that differs. */
  difference(bytes: Uint8Array, n: number, offset = 0): string {
    const room = this.size - offset;
    for (let i = 0; i < Math.min(bytes.length, room); i++) {
      const sent = this.noise[8 * (n % VARIANTS) + offset + i] as number;
      if (bytes[i] !== sent) {
        return `byte ${offset + i} of message ${n} is 0x${hex(bytes[i] as number)}, sent was 0x${hex(sent)}`;
      }
    }
    return `${bytes.length - room} bytes more than the ${this.size} of message ${n}`;
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
