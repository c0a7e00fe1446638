import { DemiError } from "../errors.js";
import { TOKEN_INDEX_BITS } from "../layout.js";

const INDEX_MASK = (1 << TOKEN_INDEX_BITS) - 1;
const GENERATION_STEP = 1 << TOKEN_INDEX_BITS;
/** Free entries kept before a fresh one is touched: old entries are warm in the cache, and reuse in turn keeps stale tokens apart. */
const RECYCLE_ABOVE = 256;

// Who gets a token's completion.
/** Nobody: the entry is free. */
export const HOLDER_NONE = 0;
/** The application, through run(), drain() or a wait. */
export const HOLDER_APP = 1;
/** A callback: a promise or a combinator. */
export const HOLDER_CALLBACK = 2;
/** It has completed and waits to be picked up. */
export const HOLDER_DONE = 3;

export type CompletionCallback = (result: number, value: number) => void;

/**
 * Outstanding operations on the JavaScript side: token values, who waits, and the results of those that completed before somebody
 * asked. Typed arrays indexed by token, so that starting and ending an operation allocates nothing.
 */
export class TokenTable {
  readonly capacity: number;
  readonly holders: Uint8Array;
  readonly opcodes: Uint8Array;
  readonly qds: Int32Array;
  readonly results: Int32Array;
  readonly values: Int32Array;
  readonly callbacks: (CompletionCallback | undefined)[];
  #words: Int32Array;
  #free: Int32Array;
  #freeMask: number;
  #freeHead = 0;
  #freeCount = 0;
  #fresh = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.holders = new Uint8Array(capacity);
    this.opcodes = new Uint8Array(capacity);
    this.qds = new Int32Array(capacity);
    this.results = new Int32Array(capacity);
    this.values = new Int32Array(capacity);
    this.callbacks = [];
    this.#words = new Int32Array(capacity);
    const ring = 2 ** Math.ceil(Math.log2(capacity));
    this.#free = new Int32Array(ring);
    this.#freeMask = ring - 1;
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
    let index: number;
    if (this.#freeCount > RECYCLE_ABOVE || (this.#fresh === this.capacity && this.#freeCount > 0)) {
      index = this.#free[this.#freeHead];
      this.#freeHead = (this.#freeHead + 1) & this.#freeMask;
      this.#freeCount--;
    } else if (this.#fresh < this.capacity) {
      index = this.#fresh++;
      this.#words[index] = GENERATION_STEP | index;
    } else {
      throw new DemiError("EAGAIN", "token", `all ${this.capacity} tokens are outstanding (option "tokens")`);
    }
    this.holders[index] = HOLDER_APP;
    this.opcodes[index] = opcode;
    this.qds[index] = qd;
    return this.#words[index];
  }

  /** The entry of an outstanding token, -1 for a stale or made-up one. */
  index(qt: number): number {
    const index = qt & INDEX_MASK;
    return this.#words[index] === qt && this.holders[index] !== HOLDER_NONE ? index : -1;
  }

  release(index: number): void {
    this.holders[index] = HOLDER_NONE;
    // A positive int32 with a generation of at least 1, so a token is never 0.
    const next = (this.#words[index] + GENERATION_STEP) & 0x7fffffff;
    this.#words[index] = next < GENERATION_STEP ? GENERATION_STEP | index : next;
    this.#free[(this.#freeHead + this.#freeCount++) & this.#freeMask] = index;
  }

  /** Every outstanding token, for the end of the libOS. */
  *all(): Generator<number> {
    for (let index = 0; index < this.#fresh; index++) if (this.holders[index] !== HOLDER_NONE) yield this.#words[index];
  }
}
