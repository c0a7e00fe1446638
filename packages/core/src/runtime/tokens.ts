import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const GENERATION_STEP = 1 << Layout.TOKEN_INDEX_BITS;
/** Always set, so that a token is positive and never 0, whatever its generation. */
const TOKEN_BIT = 1 << 30;
/** Free tokens kept before a fresh one is touched: old entries are warm in the cache, and reuse in turn keeps stale tokens apart. */
const RECYCLE_ABOVE = 512;

/** Who gets a token's completion. */
export const enum Holder {
  /** Nobody: the token is stale, or was never one. */
  NONE = 0,
  /** The application, through run(), drain() or a wait. */
  APP = 1,
  /** A callback: a promise or a combinator. */
  CALLBACK = 2,
  /** It has completed and waits to be picked up. */
  DONE = 3,
}

/** `tag` says what completed: {@link opcodeOf}, {@link qdOf}. */
export type CompletionCallback = (result: number, value: number, tag: number) => void;

/** Opcode and queue descriptor in one word, as completion entries carry them. */
export function tagOf(opcode: number, qd: number): number {
  return qd | ((opcode - 1) << Layout.TAG_OPCODE_SHIFT);
}
export function opcodeOf(tag: number): number {
  return ((tag >>> Layout.TAG_OPCODE_SHIFT) + 1) | 0;
}
export function qdOf(tag: number): number {
  return tag & ((1 << Layout.TAG_OPCODE_SHIFT) - 1);
}

/**
 * Outstanding operations on the JavaScript side. Starting and ending one costs a word in a table of outstanding tokens and one in a
 * ring of free ones, both in the shared mapping, so that the data path works on one array; who waits, and results nobody has
 * picked up, are kept apart. (`| 0` tells the compiler that a sum stays an int32.)
 *
 * A word of the table is 0 (free), the token (the application waits), its negative (a callback waits), or its complement (done).
 */
export class TokenTable {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #table: number;
  readonly #ring: number;
  readonly #ringMask: number;
  #freeHead = 0;
  #freeTail = 0;
  #fresh = 0;
  /** Called when no token is free: dropped operations may have ended. */
  reclaim: () => void = () => {};
  readonly #callbacks: (CompletionCallback | undefined)[] = [];
  readonly #results: Int32Array;
  readonly #values: Int32Array;
  readonly #tags: Int32Array;
  readonly #started: Int32Array;
  readonly #startTags: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
    this.capacity = words[Layout.WORD_TOKENS];
    this.#table = words[Layout.WORD_TOKEN_BASE];
    this.#ring = this.#table + this.capacity;
    this.#ringMask = 2 ** Math.ceil(Math.log2(this.capacity)) - 1;
    this.#results = new Int32Array(this.capacity);
    this.#values = new Int32Array(this.capacity);
    this.#tags = new Int32Array(this.capacity);
    this.#started = new Int32Array(this.capacity);
    this.#startTags = new Int32Array(this.capacity);
  }

  /** Tokens in use. */
  get outstanding(): number {
    return this.#fresh - ((this.#freeTail - this.#freeHead) | 0);
  }

  /** True when take() would fail. */
  get exhausted(): boolean {
    return this.#freeHead === this.#freeTail && this.#fresh === this.capacity;
  }

  /** A token for a new operation, held by the application. Throws EAGAIN when all are outstanding. */
  take(): number {
    const words = this.#words;
    let qt: number;
    if (((this.#freeTail - this.#freeHead) | 0) > RECYCLE_ABOVE) {
      qt = words[(this.#ring + (this.#freeHead & this.#ringMask)) | 0];
      this.#freeHead = (this.#freeHead + 1) | 0;
    } else {
      qt = this.#grow();
    }
    words[(this.#table + (qt & INDEX_MASK)) | 0] = qt;
    return qt;
  }

  #grow(): number {
    if (this.#fresh < this.capacity) return TOKEN_BIT | this.#fresh++;
    if (this.exhausted) this.reclaim();
    if (this.exhausted) {
      throw new DemiError("EAGAIN", "token", `all ${this.capacity} tokens are outstanding (option "tokens")`);
    }
    const qt = this.#words[this.#ring + (this.#freeHead & this.#ringMask)];
    this.#freeHead = (this.#freeHead + 1) | 0;
    return qt;
  }

  /** Ends an outstanding token. */
  release(qt: number): void {
    const words = this.#words;
    words[(this.#table + (qt & INDEX_MASK)) | 0] = 0;
    const next = ((qt + GENERATION_STEP) & (TOKEN_BIT - 1)) | TOKEN_BIT;
    words[(this.#ring + (this.#freeTail & this.#ringMask)) | 0] = next;
    this.#freeTail = (this.#freeTail + 1) | 0;
  }

  /** True when the token is outstanding and the application waits for it: the common case, in one comparison. */
  isApp(qt: number): boolean {
    const index = qt & INDEX_MASK;
    return index < this.capacity && this.#words[(this.#table + index) | 0] === qt;
  }

  holder(qt: number): Holder {
    const index = qt & INDEX_MASK;
    const word = qt > 0 && index < this.capacity ? this.#words[this.#table + index] : 0;
    if (word === 0) return Holder.NONE;
    if (word === qt) return Holder.APP;
    if (word === -qt) return Holder.CALLBACK;
    return word === ~qt ? Holder.DONE : Holder.NONE;
  }

  /** Keeps a completion until it is picked up. */
  complete(qt: number, result: number, value: number, tag: number): void {
    const index = qt & INDEX_MASK;
    this.#words[this.#table + index] = ~qt;
    this.#results[index] = result;
    this.#values[index] = value;
    this.#tags[index] = tag;
  }

  // What complete() kept.
  result(qt: number): number {
    return this.#results[qt & INDEX_MASK];
  }
  value(qt: number): number {
    return this.#values[qt & INDEX_MASK];
  }
  tag(qt: number): number {
    return this.#tags[qt & INDEX_MASK];
  }

  /** For a token of a derived queue: what it does and on which queue, known from its start on. */
  setStartTag(qt: number, tag: number): void {
    const index = qt & INDEX_MASK;
    this.#started[index] = qt;
    this.#startTags[index] = tag;
  }
  /** 0 for a token of a native queue. */
  startTag(qt: number): number {
    const index = qt & INDEX_MASK;
    return this.#started[index] === qt ? this.#startTags[index] : 0;
  }

  /** From now on `callback` gets the completion. */
  attach(qt: number, callback: CompletionCallback): void {
    this.#words[this.#table + (qt & INDEX_MASK)] = -qt;
    this.#callbacks[qt & INDEX_MASK] = callback;
  }

  /** The callback of a token, which loses it. */
  detach(qt: number): CompletionCallback {
    const index = qt & INDEX_MASK;
    const callback = this.#callbacks[index] as CompletionCallback;
    this.#callbacks[index] = undefined;
    return callback;
  }

  /** The callbacks of all outstanding tokens, for the end of the libOS. */
  waiting(): CompletionCallback[] {
    return this.#callbacks.filter((callback) => callback !== undefined);
  }
}
