/** What the client sends: bytes that differ from message to message, so that a stale or foreign echo is recognised. */
import { randomBytes } from "node:crypto";

/** Different contents before they repeat. A prime, so that no pattern of connections or buffers stays in step with it. */
const VARIANTS = 4093;

export class Payloads {
  private readonly noise: Buffer;

  constructor(readonly size: number) {
    this.noise = randomBytes(size + VARIANTS);
  }

  /** Writes message number `n` into the `size` bytes of `target`. */
  fill(target: Uint8Array, n: number): void {
    const start = n % VARIANTS;
    this.noise.copy(target, 0, start, start + this.size);
  }

  /** True when `bytes` are those of message `n` from `offset` on. */
  matches(bytes: Uint8Array, n: number, offset = 0): boolean {
    const start = (n % VARIANTS) + offset;
    return (
      offset + bytes.length <= this.size &&
      this.noise.compare(bytes, 0, bytes.length, start, start + bytes.length) === 0
    );
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
