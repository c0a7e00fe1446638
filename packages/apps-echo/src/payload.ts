/** What the client sends: bytes that differ from message to message, so that a stale or foreign echo is recognised. */
import { randomFillSync } from "node:crypto";

/** Different contents before they repeat. A prime, so that no pattern of connections or buffers stays in step with it. */
const VARIANTS = 4093;

/** Bytes up to which a loop is quicker than a call into Node. */
const SHORT = 256;

/** All views handed in are of one ArrayBuffer: a libOS's arena. */
export class Payloads {
  private readonly noise: Buffer;
  /** The same bytes as words: messages start at a word's boundary, and short ones are written and compared by words. */
  private readonly noiseWords: Int32Array;
  private memoryWords: Int32Array | undefined;

  constructor(readonly size: number) {
    this.noiseWords = new Int32Array(VARIANTS + ((size + 3) >> 2));
    this.noise = Buffer.from(this.noiseWords.buffer);
    randomFillSync(this.noise);
  }

  /** Writes message number `n` into `target`, from `at` on. */
  fill(target: Uint8Array, at: number, n: number): void {
    const word = n % VARIANTS;
    const start = 4 * word;
    if (this.size > SHORT) {
      this.noise.copy(target, at, start, start + this.size);
      return;
    }
    const to = target.byteOffset + at;
    let i = 0;
    if ((to & 3) === 0) {
      const { noiseWords } = this;
      this.memoryWords ??= new Int32Array(target.buffer);
      const words = this.memoryWords;
      const first = to >> 2;
      const count = this.size >> 2;
      for (let k = 0; k < count; k++) words[first + k] = noiseWords[word + k] as number;
      i = 4 * count;
    }
    for (; i < this.size; i++) target[at + i] = this.noise[start + i] as number;
  }

  /** True when the `length` bytes of `view` from `at` on are those of message `n` from `offset` on. */
  matches(view: Uint8Array, at: number, length: number, n: number, offset = 0): boolean {
    if (offset + length > this.size) return false;
    const start = 4 * (n % VARIANTS) + offset;
    if (length > SHORT) return this.noise.compare(view, at, at + length, start, start + length) === 0;
    const from = view.byteOffset + at;
    let different = 0;
    let i = 0;
    if (((from | offset) & 3) === 0) {
      const { noiseWords } = this;
      this.memoryWords ??= new Int32Array(view.buffer);
      const words = this.memoryWords;
      const first = from >> 2;
      const word = start >> 2;
      const count = length >> 2;
      for (let k = 0; k < count; k++) different |= (words[first + k] as number) ^ (noiseWords[word + k] as number);
      i = 4 * count;
    }
    for (; i < length; i++) different |= (view[at + i] as number) ^ (this.noise[start + i] as number);
    return different === 0;
  }

  /** What went wrong, for people: the first byte that differs. */
  difference(bytes: Uint8Array, n: number, offset = 0): string {
    const room = this.size - offset;
    for (let i = 0; i < Math.min(bytes.length, room); i++) {
      const sent = this.noise[4 * (n % VARIANTS) + offset + i] as number;
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
