/** Random input that can be had again: the seed is printed, and SEED=n sets it. */
import { seededRandom } from "@demikernel/bench";

export class Random {
  readonly seed: number;
  /** From 0 to below 1. */
  private readonly next: () => number;

  constructor(what: string) {
    this.seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    this.next = seededRandom(this.seed);
    process.stderr.write(`${what}: SEED=${this.seed}\n`);
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    return this.next() * 2 ** 32;
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
