import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const GENERATION_STEP = 1 << Layout.TOKEN_INDEX_BITS;
const SLOT_INDEX_MASK = (1 << Layout.SLOT_INDEX_BITS) - 1;
/** Always set in a token, so that it is positive and never 0, whatever its generation. */
const TOKEN_BIT = 1 << 30;
/** Free tokens kept before a fresh one is touched: old entries are warm in the cache, and reuse in turn keeps stale tokens apart. */
const RECYCLE_ABOVE = 512;

/**
 * The words JavaScript shares with C++, and what the data path does with them: submission and completion entries, tokens taken and
 * given back. All in one object over one array, because that is what an operation's price consists of: each further object costs a
 * check and a load. This file, arena.ts and native/include/demi/runtime.hpp are the only ones that know what the words mean.
 *
 * `| 0` tells the compiler that a sum stays an int32.
 */
export class Boundary {
  readonly native: NativeLibOS;
  readonly words: Int32Array;
  /** Most outstanding operations. */
  readonly capacity: number;
  /** Where the table of tokens starts: per entry 0 (free), the token (the application waits), or what {@link TokenTable} puts there. */
  readonly table: number;
  readonly #entries: number;
  readonly #mask: number;
  readonly #cqBase: number;
  readonly #slotBase: number;
  readonly #slots: number;
  readonly #freeRing: number;
  readonly #freeMask: number;
  #sqTail = 0;
  /** The tail at which the submission ring is full. */
  #sqLimit: number;
  #cqHead = 0;
  #cqTail = 0;
  #freeHead = 0;
  #freeTail = 0;
  #fresh = 0;

  constructor(native: NativeLibOS) {
    const words = new Int32Array(native.rings);
    if (words[Layout.WORD_MAGIC] !== Layout.MAGIC || words[Layout.WORD_VERSION] !== Layout.VERSION) {
      throw new DemiError(
        "EPROTO",
        "open",
        "the addon was built for another version of @demikernel/core: reinstall or rebuild it",
      );
    }
    this.native = native;
    this.words = words;
    this.#entries = words[Layout.WORD_SQ_ENTRIES];
    this.#mask = this.#entries - 1;
    this.#sqLimit = this.#entries;
    this.#cqBase = words[Layout.WORD_CQ_BASE];
    this.#slotBase = words[Layout.WORD_SLOT_BASE];
    this.#slots = words[Layout.WORD_SLOTS];
    this.capacity = words[Layout.WORD_TOKENS];
    this.table = words[Layout.WORD_TOKEN_BASE];
    this.#freeRing = this.table + this.capacity;
    this.#freeMask = 2 ** Math.ceil(Math.log2(this.capacity)) - 1;
  }

  // ---- rings ---------------------------------------------------------------------------------------------------------

  /** Writes one submission; a full ring is handed over first, so this always succeeds. */
  protected submit(op: number, qd: number, qt: number, arg: number): void {
    if (this.#sqTail === this.#sqLimit) this.cross(0);
    const tail = this.#sqTail;
    const words = this.words;
    const at = (Layout.CONTROL_WORDS + ((tail & this.#mask) << 2)) | 0;
    words[at] = op;
    words[(at + Layout.SQE_QD) | 0] = qd;
    words[(at + Layout.SQE_QT) | 0] = qt;
    words[(at + Layout.SQE_ARG) | 0] = arg;
    this.#sqTail = (tail + 1) | 0;
  }

  /** Submissions written since the last crossing. */
  get unsubmitted(): number {
    return (this.#sqTail - this.#sqLimit + this.#entries) | 0;
  }

  /** One crossing of the boundary: hands over the submissions, drives the device, fetches completions. */
  protected cross(waitMicroseconds: number): void {
    const words = this.words;
    words[Layout.WORD_SQ_TAIL] = this.#sqTail;
    words[Layout.WORD_CQ_HEAD] = this.#cqHead;
    const ready = this.native.poll(waitMicroseconds);
    if (ready < 0) throw DemiError.from(ready, "poll");
    this.#sqLimit = (this.#sqTail + this.#entries) | 0;
    this.#cqTail = words[Layout.WORD_CQ_TAIL];
  }

  /** Word index of the oldest completion entry, -1 when there is none. The entry is consumed: read it before the next crossing. */
  protected next(): number {
    const head = this.#cqHead;
    if (head === this.#cqTail) return -1;
    this.#cqHead = (head + 1) | 0;
    return (this.#cqBase + ((head & this.#mask) << 2)) | 0;
  }

  /** The libOS is gone: completions not taken yet are none any more, whoever is in the middle of taking them. */
  protected forgetCompletions(): void {
    this.#cqHead = this.#cqTail;
  }

  /** Completions that found no room in the ring. */
  protected get overflowing(): boolean {
    return this.words[Layout.WORD_CQ_MORE] !== 0;
  }

  /** Tokens that ended without a completion entry since the last call. */
  protected takeReturned(each: (qt: number) => void): void {
    const count = this.words[Layout.WORD_RETURNED_COUNT];
    if (count === 0) return;
    this.words[Layout.WORD_RETURNED_COUNT] = 0;
    const base = this.words[Layout.WORD_RETURNED_BASE];
    for (let i = 0; i < count; i++) each(this.words[base + i]);
  }

  // ---- tokens --------------------------------------------------------------------------------------------------------

  /** Tokens in use. */
  get outstandingTokens(): number {
    return this.#fresh - ((this.#freeTail - this.#freeHead) | 0);
  }

  /** A token for a new operation, held by the application. Throws EAGAIN when all are outstanding. */
  take(): number {
    const words = this.words;
    let qt: number;
    if (((this.#freeTail - this.#freeHead) | 0) > RECYCLE_ABOVE) {
      qt = words[(this.#freeRing + (this.#freeHead & this.#freeMask)) | 0];
      this.#freeHead = (this.#freeHead + 1) | 0;
    } else {
      qt = this.#takeFresh();
    }
    words[(this.table + (qt & INDEX_MASK)) | 0] = qt;
    return qt;
  }

  #takeFresh(): number {
    if (this.#fresh < this.capacity) return TOKEN_BIT | this.#fresh++;
    // Tokens of dropped operations come back with a crossing.
    if (this.#freeHead === this.#freeTail) this.reclaim();
    if (this.#freeHead === this.#freeTail) {
      throw new DemiError("EAGAIN", "token", `all ${this.capacity} tokens are outstanding (option "tokens")`);
    }
    const qt = this.words[this.#freeRing + (this.#freeHead & this.#freeMask)];
    this.#freeHead = (this.#freeHead + 1) | 0;
    return qt;
  }

  protected reclaim(): void {}

  /** Ends an outstanding token. */
  protected release(qt: number): void {
    const words = this.words;
    words[(this.table + (qt & INDEX_MASK)) | 0] = 0;
    const next = ((qt + GENERATION_STEP) & (TOKEN_BIT - 1)) | TOKEN_BIT;
    words[(this.#freeRing + (this.#freeTail & this.#freeMask)) | 0] = next;
    this.#freeTail = (this.#freeTail + 1) | 0;
  }

  /** True when the token is outstanding and the application waits for it: the common case, in one comparison. */
  protected isApp(qt: number): boolean {
    const index = qt & INDEX_MASK;
    return index < this.capacity && this.words[(this.table + index) | 0] === qt;
  }

  // ---- sgas ----------------------------------------------------------------------------------------------------------

  /** An sga that is pushed away stops being the application's at once; one that is not is left for the native side to refuse. */
  protected giveAway(sga: number): void {
    const index = sga & SLOT_INDEX_MASK;
    const at = (this.#slotBase + (index << 4)) | 0;
    if (index < this.#slots && this.words[at] === sga) this.words[at] = 0;
  }
}
