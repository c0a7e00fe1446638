import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const GENERATION_STEP = 1 << Layout.TOKEN_INDEX_BITS;
/** Always set, so that a token is positive and never 0, whatever its generation. */
const TOKEN_BIT = 1 << 30;
/** Free entries kept before a fresh one is touched: old entries are warm in the cache, and reuse in turn keeps stale tokens apart. */
const RECYCLE_ABOVE = 256;

/** Who gets a token's completion: the low bits of an entry's state. A free entry's state is 0. */
export const enum Holder {
  /** The application, through run(), drain() or a wait. */
  APP = 1,
  /** A callback: a promise or a combinator. */
  CALLBACK = 2,
  /** It has completed and waits to be picked up. */
  DONE = 3,
  MASK = 15,
  OPCODE_SHIFT = 4,
}

export type CompletionCallback = (result: number, value: number) => void;

/**
 * Outstanding operations on the JavaScript side: token values, who waits, and the results of those that completed before somebody
 * asked. Entries are words in the shared mapping, beside the rings: starting and ending an operation allocates nothing and
 * touches one array. An entry is named by its first word's index, `at`. (`| 0` tells the compiler that a sum stays an int32.)
 */
export class TokenTable {
  readonly capacity: number;
  readonly callbacks: (CompletionCallback | undefined)[] = [];
  readonly #words: Int32Array;
  readonly #base: number;
  #freeHead = 0;
  #freeTail = 0;
  #freeCount = 0;
  #fresh = 0;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#base = words[Layout.WORD_TOKEN_BASE];
    this.capacity = words[Layout.WORD_TOKENS];
  }

  /** Tokens in use. */
  get outstanding(): number {
    return this.#fresh - this.#freeCount;
  }

  /** True when take() would fail. */
  get exhausted(): boolean {
    return this.#freeCount === 0 && this.#fresh === this.capacity;
  }

  /** A token for a new operation, held by the application. Throws EAGAIN when all are outstanding. */
  take(opcode: number, qd: number): number {
    const words = this.#words;
    let index = this.#freeHead;
    if (this.#freeCount <= RECYCLE_ABOVE && (this.#fresh < this.capacity || this.#freeCount === 0)) {
      index = this.#grow();
    } else {
      this.#freeHead = words[(this.#base + (index << 3) + Layout.TOKEN_NEXT) | 0];
      this.#freeCount = (this.#freeCount - 1) | 0;
    }
    const at = (this.#base + (index << 3)) | 0;
    words[(at + Layout.TOKEN_STATE) | 0] = Holder.APP | (opcode << Holder.OPCODE_SHIFT);
    words[(at + Layout.TOKEN_QD) | 0] = qd;
    return words[at];
  }

  #grow(): number {
    if (this.#fresh === this.capacity) {
      throw new DemiError("EAGAIN", "token", `all ${this.capacity} tokens are outstanding (option "tokens")`);
    }
    const index = this.#fresh++;
    this.#words[(this.#base + (index << 3)) | 0] = TOKEN_BIT | index;
    return index;
  }

  /** The entry of an outstanding token, -1 for a stale or made-up one. */
  at(qt: number): number {
    const index = qt & INDEX_MASK;
    if (index >= this.capacity) return -1;
    const at = (this.#base + (index << 3)) | 0;
    return this.#words[at] === qt && this.#words[(at + Layout.TOKEN_STATE) | 0] !== 0 ? at : -1;
  }

  release(at: number): void {
    const words = this.#words;
    const word = words[at];
    const index = word & INDEX_MASK;
    words[(at + Layout.TOKEN_STATE) | 0] = 0;
    words[at] = ((word + GENERATION_STEP) & (TOKEN_BIT - 1)) | TOKEN_BIT;
    if (this.#freeCount === 0) this.#freeHead = index;
    else words[(this.#base + (this.#freeTail << 3) + Layout.TOKEN_NEXT) | 0] = index;
    this.#freeCount = (this.#freeCount + 1) | 0;
    this.#freeTail = index;
  }

  holder(at: number): number {
    return this.#words[(at + Layout.TOKEN_STATE) | 0] & Holder.MASK;
  }

  opcode(at: number): number {
    return this.#words[(at + Layout.TOKEN_STATE) | 0] >> Holder.OPCODE_SHIFT;
  }

  qd(at: number): number {
    return this.#words[(at + Layout.TOKEN_QD) | 0];
  }

  /** Keeps a completion until it is picked up. */
  complete(at: number, result: number, value: number): void {
    const words = this.#words;
    words[at + Layout.TOKEN_STATE] = (words[at + Layout.TOKEN_STATE] & ~Holder.MASK) | Holder.DONE;
    words[at + Layout.TOKEN_RESULT] = result;
    words[at + Layout.TOKEN_VALUE] = value;
  }

  result(at: number): number {
    return this.#words[at + Layout.TOKEN_RESULT];
  }

  value(at: number): number {
    return this.#words[at + Layout.TOKEN_VALUE];
  }

  /** From now on `callback` gets the completion. */
  attach(at: number, callback: CompletionCallback): void {
    const words = this.#words;
    words[at + Layout.TOKEN_STATE] = (words[at + Layout.TOKEN_STATE] & ~Holder.MASK) | Holder.CALLBACK;
    this.callbacks[(at - this.#base) >> 3] = callback;
  }

  /** The callback of an entry, which loses it. */
  detach(at: number): CompletionCallback {
    const index = (at - this.#base) >> 3;
    const callback = this.callbacks[index] as CompletionCallback;
    this.callbacks[index] = undefined;
    return callback;
  }

  /** The callbacks of all outstanding tokens, for the end of the libOS. */
  waiting(): CompletionCallback[] {
    return this.callbacks.filter((callback) => callback !== undefined);
  }
}
