/** What the client sends: bytes that differ from message to message, so that a stale or foreign echo is recognised. */
import { randomBytes } from "node:crypto";

/** Different contents before they repeat. A prime, so that no pattern of connections or buffers stays in step with it. */
const VARIANTS = 4093;

/** Bytes up to which a loop is quicker than a call into Node. */
const SHORT = 128;

export class Payloads {
  private readonly noise: Buffer;

  constructor(readonly size: number) {
    this.noise = randomBytes(size + VARIANTS);
  }

  /** Writes message number `n` into `target`, from `at` on. */
  fill(target: Uint8Array, at: number, n: number): void {
    const start = n % VARIANTS;
    if (this.size > SHORT) {
      this.noise.copy(target, at, start, start + this.size);
      return;
    }
    for (let i = 0; i < this.size; i++) target[at + i] = this.noise[start + i] as number;
  }

  /** True when the `length` bytes of `view` from `at` on are those of message `n` from `offset` on. */
  matches(view: Uint8Array, at: number, length: number, n: number, offset = 0): boolean {
    if (offset + length > this.size) return false;
    const start = (n % VARIANTS) + offset;
    if (length > SHORT) return this.noise.compare(view, at, at + length, start, start + length) === 0;
    let different = 0;
    for (let i = 0; i < length; i++) different |= (view[at + i] as number) ^ (this.noise[start + i] as number);
    return different === 0;
  }

  /** What went wrong, for people: the first byte that differs. */
  difference(bytes: Uint8Array, n: number, offset = 0): string {
    const room = this.size - offset;
    for (let i = 0; i < Math.min(bytes.length, room); i++) {
      const sent = this.noise[(n % VARIANTS) + offset + i] as number;
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
