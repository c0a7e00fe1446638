import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type { QueueToken } from "../types.js";
import { Tokens } from "./tokens.js";

const SLOT_INDEX_MASK = (1 << Layout.SLOT_INDEX_BITS) - 1;

/**
 * The words JavaScript shares with C++, and what the data path does with them: submission and completion entries, tokens taken and
 * given back. All in one object over one array, because that is what an operation's price consists of: each further object costs a
 * check and a load. This file, tokens.ts, arena.ts and native/include/demi/runtime.hpp are the only ones that know what the words mean.
 *
 * `| 0` tells the compiler that a sum stays an int32.
 */
export abstract class Boundary extends Tokens {
  readonly native: NativeLibOS;
  /** native.poll, which needs no `this`: the object's many functions make each look for one of them slow. */
  readonly #poll: () => number | undefined;
  readonly #sqEnd: number;
  readonly #cqBase: number;
  readonly #slotBase: number;
  readonly #slots: number;
  /** Where the next submission goes, where the next completion is, and where they end: indices of words. */
  #sqNext: number = Layout.CONTROL_WORDS;
  #cqNext: number;
  #cqEnd: number;
  /** Where the words behind the table of tokens start that nobody has yet. */
  #spare: number;

  constructor(native: NativeLibOS) {
    const words = new Int32Array(native.rings);
    if (words[Layout.WORD_MAGIC] !== Layout.MAGIC || words[Layout.WORD_VERSION] !== Layout.VERSION) {
      throw new DemiError(
        "EPROTO",
        "open",
        "the addon was built for another version of @demikernel/core: reinstall or rebuild it",
      );
    }
    super(words);
    this.native = native;
    this.#poll = native.poll;
    this.#sqEnd = Layout.CONTROL_WORDS + words[Layout.WORD_SQ_ENTRIES] * Layout.ENTRY_WORDS;
    this.#cqBase = words[Layout.WORD_CQ_BASE];
    this.#cqNext = this.#cqBase;
    this.#cqEnd = this.#cqBase;
    this.#slotBase = words[Layout.WORD_SLOT_BASE];
    this.#slots = words[Layout.WORD_SLOTS];
    this.#spare = (this.table + words[Layout.WORD_TOKENS] + 1) | 0;
  }

  /**
   * Zeroed words of the shared mapping for a table of tokens: given back with the libOS, where a JavaScript array would wait
   * for a garbage collection. Layout.TOKEN_WORDS says how many there are.
   */
  tableOf(count: number): Int32Array {
    const { words } = this;
    const end = words[Layout.WORD_TOKEN_BASE] + (words[Layout.WORD_TOKENS] + 1) * Layout.TOKEN_WORDS;
    if (this.#spare + count > end) throw new RangeError("more tables of tokens than the layout has room for");
    const table = words.subarray(this.#spare, this.#spare + count);
    this.#spare += count;
    return table;
  }

  // ---- rings ---------------------------------------------------------------------------------------------------------

  /** Writes one submission; a full ring is handed over first, so this always succeeds. */
  protected submit(op: number, qd: number, qt: number, arg: number): void {
    if (this.#sqNext === this.#sqEnd) this.cross(0);
    const words = this.words;
    const at = this.#sqNext;
    words[at] = op;
    words[(at + Layout.SQE_QD) | 0] = qd;
    words[(at + Layout.SQE_QT) | 0] = qt;
    words[(at + Layout.SQE_ARG) | 0] = arg;
    this.#sqNext = (at + Layout.ENTRY_WORDS) | 0;
  }

  /** Submissions written since the last crossing. */
  get unsubmitted(): number {
    return (this.#sqNext - Layout.CONTROL_WORDS) / Layout.ENTRY_WORDS;
  }

  /** One crossing of the boundary: hands over the submissions, drives the device, fetches completions. */
  protected cross(waitMicroseconds: number): void {
    const words = this.words;
    words[Layout.WORD_SQ_TAIL] = (this.#sqNext - Layout.CONTROL_WORDS) >> 2;
    words[Layout.WORD_CQ_HEAD] = (this.#cqNext - this.#cqBase) >> 2;
    words[Layout.WORD_WAIT] = waitMicroseconds;
    this.#sqNext = Layout.CONTROL_WORDS;
    const error = this.#poll();
    if (error !== undefined) throw DemiError.from(error, "poll");
    this.#cqNext = (this.#cqBase + (words[Layout.WORD_CQ_HEAD] << 2)) | 0;
    this.#cqEnd = (this.#cqBase + (words[Layout.WORD_CQ_TAIL] << 2)) | 0;
  }

  /** Word index of the oldest completion entry, -1 when the ring is empty. The entry is consumed: read it before the next crossing. */
  protected next(): number {
    const at = this.#cqNext;
    if (at === this.#cqEnd) return -1;
    this.#cqNext = (at + Layout.ENTRY_WORDS) | 0;
    return at;
  }

  /** As next() when there is one entry in the ring, which stays there; else -1. */
  protected only(): number {
    const at = this.#cqNext;
    return ((at + Layout.ENTRY_WORDS) | 0) === this.#cqEnd ? at : -1;
  }

  /** The libOS is gone: completions not taken yet are none any more, whoever is in the middle of taking them. */
  protected forgetCompletions(): void {
    this.#cqNext = this.#cqEnd;
  }

  /** Completions that were taken over and not given out: a handler threw, or wanted no more. */
  protected get unread(): boolean {
    return this.#cqNext !== this.#cqEnd;
  }

  /** Completions that found no room in the ring. */
  protected get overflowing(): boolean {
    return this.words[Layout.WORD_CQ_MORE] !== 0;
  }

  /** Tokens ended without a completion entry. */
  protected get anyReturned(): boolean {
    return this.words[Layout.WORD_RETURNED_COUNT] !== 0;
  }

  /** Those since the last call. */
  protected takeReturned(each: (qt: QueueToken) => void): void {
    const count = this.words[Layout.WORD_RETURNED_COUNT];
    if (count === 0) return;
    this.words[Layout.WORD_RETURNED_COUNT] = 0;
    const base = this.words[Layout.WORD_RETURNED_BASE];
    for (let i = 0; i < count; i++) each(this.words[base + i] as QueueToken);
  }

  // ---- sgas ----------------------------------------------------------------------------------------------------------

  /** An sga that is pushed away stops being the application's at once; one that is not is left for the native side to refuse. */
  protected giveAway(sga: number): void {
    const index = sga & SLOT_INDEX_MASK;
    const at = (this.#slotBase + (index << 4)) | 0;
    if (index < this.#slots && this.words[at] === sga) this.words[at] = 0;
  }
}
