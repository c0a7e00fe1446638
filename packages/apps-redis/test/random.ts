/** Random input that can be had again: the seed is printed, and SEED=n sets it. */
export class Random {
  readonly seed: number;
  private state: number;

  constructor(what: string) {
    this.seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    this.state = this.seed;
    process.stderr.write(`${what}: SEED=${this.seed}\n`);
  }

  /** 0 to 2^32 - 1 (mulberry32). */
  word(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return this.word() % n;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  /** Bytes as text. */
  bytes(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.below(256));
    return text;
  }

  /** A text that is an integer of any width, at or beside an edge of it, or is almost one. */
  integerText(): string {
    const edge = 2n ** BigInt(this.below(66)) + BigInt(this.below(5)) - 2n;
    const text = String(this.below(2) === 0 ? edge : -edge);
    const wrong = this.below(12);
    return wrong === 0 ? `0${text}` : wrong === 1 ? `${text} ` : wrong === 2 ? `+${text}` : text;
  }
}
