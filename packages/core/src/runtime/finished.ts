import type { QueueToken } from "../types.js";

const WORDS = 4;

/** Operations that ended in JavaScript and whose waiters have not been told: those of derived queues. Oldest first. */
export class FinishedOperations {
  /** Four numbers each: token, result, value, tag. */
  readonly #words: number[] = [];
  /** Those before have been told. */
  #told = 0;

  get empty(): boolean {
    return this.#words.length === this.#told;
  }

  /** Behind the last. */
  get end(): number {
    return this.#words.length;
  }

  add(qt: QueueToken, result: number, value: number, tag: number): void {
    this.#words.push(qt, result, value, tag);
  }

  has(qt: QueueToken): boolean {
    for (let at = this.#told; at < this.#words.length; at += WORDS) {
      if (this.#words[at] === qt) return true;
    }
    return false;
  }

  /** Where the oldest one before `end` is, which counts as told from now on; -1 when all have been told. */
  next(end: number): number {
    const at = this.#told;
    if (at >= Math.min(end, this.#words.length)) return -1;
    this.#told = at + WORDS;
    return at;
  }

  token(at: number): QueueToken {
    return this.#words[at] as QueueToken;
  }
  result(at: number): number {
    return this.#words[at + 1];
  }
  value(at: number): number {
    return this.#words[at + 2];
  }
  tag(at: number): number {
    return this.#words[at + 3];
  }

  /** Gives up the room of those that have been told, once they are half of all. */
  compact(): void {
    if (this.#told === this.#words.length) {
      this.clear();
    } else if (this.#told > this.#words.length >> 1) {
      this.#words.splice(0, this.#told);
      this.#told = 0;
    }
  }

  clear(): void {
    this.#words.length = 0;
    this.#told = 0;
  }
}
