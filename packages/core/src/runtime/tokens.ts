/**
 * The table of tokens: which are outstanding, and who gets their completions. This file alone knows the five states of an entry:
 *
 * | word | state |
 * |---|---|
 * | 0 | free |
 * | the token | outstanding, the application's: run(), turn() or a wait gets the completion |
 * | its negative | outstanding, a callback gets the completion |
 * | its complement | completed, waits to be picked up |
 * | {@link END_MARK} | the end of the part in use: no token, but no free entry either |
 */
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { QueueToken } from "../types.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const GENERATION_STEP = 1 << Layout.TOKEN_INDEX_BITS;
/** Always set in a token, so that it is positive and never 0, whatever its generation. */
const TOKEN_BIT = 1 << 30;
/** Entries of the table in use at first: few, so that they stay in the cache; enough that a stale token is not soon used again. */
const FIRST_WINDOW = 512;
const FREE = 0;
const END_MARK = 1;

/** Who gets a token's completion. */
export const enum Holder {
  /** Nobody: the token is stale, or was never one. */
  NONE = 0,
  /** The application, through run(), turn() or a wait. */
  APP = 1,
  /** A callback: a promise or a combinator. */
  CALLBACK = 2,
  /** It has completed and waits to be picked up. */
  DONE = 3,
}

/** The entry of a token: no other of its generation has it. */
export function indexOf(qt: number): number {
  return qt & INDEX_MASK;
}

/**
 * Ends a token that the application holds; false, and nothing done, for any other. A function over the table, not a method: the data path
 * has both in variables.
 */
export function endIfApp(words: Int32Array, table: number, qt: number): boolean {
  const at = (table + (qt & INDEX_MASK)) | 0;
  if (words[at] !== qt) return false;
  words[at] = FREE;
  return true;
}

/** The table of tokens, over the words JavaScript shares with C++, which never reads it. `| 0` tells the compiler that a sum stays an int32. */
export abstract class Tokens {
  readonly words: Int32Array;
  /** Most outstanding operations. */
  readonly capacity: number;
  /** Where the table starts. */
  readonly table: number;
  /** The token to be given out next if its entry is free, and how many entries of the table are in use. */
  #next = TOKEN_BIT | 0;
  #window: number;
  /** Busy entries passed over since the first entry. */
  #passed = 0;

  constructor(words: Int32Array) {
    this.words = words;
    // The last index of all stays free, for the end mark.
    this.capacity = Math.min(words[Layout.WORD_TOKENS], INDEX_MASK) | 0;
    this.table = words[Layout.WORD_TOKEN_BASE];
    this.#window = Math.min(FIRST_WINDOW, this.capacity) | 0;
    words[this.table + this.#window] = END_MARK;
  }

  /** Tokens in use. Counted when asked, to keep the data path short. */
  get outstandingTokens(): number {
    let count = 0;
    for (let i = 0; i < this.#window; i++) if (this.words[this.table + i] !== FREE) count++;
    return count;
  }

  /** A token for a new operation, held by the application. Throws EAGAIN when all are outstanding. */
  take(): QueueToken {
    const words = this.words;
    const qt = this.#next;
    const at = (this.table + (qt & INDEX_MASK)) | 0;
    if (words[at] !== FREE) return (this.#takeLater() | 0) as QueueToken;
    words[at] = qt;
    this.#next = (qt + 1) | 0;
    return qt as QueueToken;
  }

  /** As take() when the entry in turn is busy, or the end mark. */
  #takeLater(): QueueToken {
    for (let rounds = 0; rounds < 3; ) {
      const index = this.#next & INDEX_MASK;
      if (index === this.#window) {
        this.#startRound();
        rounds++;
        // Tokens of dropped operations come back with a crossing.
        if (rounds === 2) this.reclaim();
      } else if (this.words[this.table + index] === FREE) {
        return this.take();
      } else {
        this.#passed++;
        this.#next = (this.#next + 1) | 0;
      }
    }
    throw new DemiError("EAGAIN", "token", `all ${this.capacity} tokens are outstanding (option "tokens")`);
  }

  /** Back to the first entry, under the next generation; with more entries when half of them were busy. */
  #startRound(): void {
    const { words, table, capacity } = this;
    if (this.#passed > this.#window >> 1 && this.#window < capacity) {
      words[table + this.#window] = FREE;
      this.#window = Math.min(2 * this.#window, capacity) | 0;
      words[table + this.#window] = END_MARK;
    }
    this.#passed = 0;
    this.#next = (((this.#next & ~INDEX_MASK) + GENERATION_STEP) & (TOKEN_BIT - 1)) | TOKEN_BIT;
  }

  /** Fetches tokens that ended without a completion. */
  protected abstract reclaim(): void;

  holder(qt: number): Holder {
    const index = qt & INDEX_MASK;
    const word = qt > 0 && index < this.capacity ? this.words[this.table + index] : FREE;
    if (word === FREE) return Holder.NONE;
    if (word === qt) return Holder.APP;
    if (word === -qt) return Holder.CALLBACK;
    return word === ~qt ? Holder.DONE : Holder.NONE;
  }

  /** Ends an outstanding token. */
  release(qt: number): void {
    this.words[(this.table + (qt & INDEX_MASK)) | 0] = FREE;
  }

  protected holdByApp(qt: number): void {
    this.words[this.table + (qt & INDEX_MASK)] = qt;
  }

  protected holdByCallback(qt: number): void {
    this.words[this.table + (qt & INDEX_MASK)] = -qt;
  }

  protected holdAsDone(qt: number): void {
    this.words[this.table + (qt & INDEX_MASK)] = ~qt;
  }
}
