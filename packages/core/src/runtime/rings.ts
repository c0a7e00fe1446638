import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";

/**
 * The submission and completion rings. This file and native/include/demi/runtime.hpp are the only two that know what an entry looks
 * like.
 */
export class Rings {
  readonly words: Int32Array;
  readonly #native: NativeLibOS;
  readonly #sqBase: number;
  readonly #mask: number;
  readonly #entries: number;
  readonly #cqBase: number;
  readonly #returnedBase: number;
  #sqTail = 0;
  /** Free submission entries. */
  #room: number;
  #cqHead = 0;
  #cqTail = 0;

  constructor(native: NativeLibOS) {
    const words = new Int32Array(native.rings);
    if (words[Layout.WORD_MAGIC] !== Layout.MAGIC || words[Layout.WORD_VERSION] !== Layout.VERSION) {
      throw new DemiError(
        "EPROTO",
        "open",
        "the addon was built for another version of @demikernel/core: reinstall or rebuild it",
      );
    }
    this.words = words;
    this.#native = native;
    this.#entries = words[Layout.WORD_SQ_ENTRIES];
    this.#mask = this.#entries - 1;
    this.#room = this.#entries;
    this.#sqBase = words[Layout.WORD_SQ_BASE];
    this.#cqBase = words[Layout.WORD_CQ_BASE];
    this.#returnedBase = words[Layout.WORD_RETURNED_BASE];
  }

  /** Submissions written since the last poll. */
  get unsubmitted(): number {
    return this.#entries - this.#room;
  }

  /** Writes one submission; a full ring is handed over first, so this always succeeds. */
  submit(op: number, qd: number, qt: number, arg: number): void {
    if (this.#room === 0) this.poll(0);
    this.#room = (this.#room - 1) | 0;
    const words = this.words;
    const at = (this.#sqBase + ((this.#sqTail & this.#mask) << 2)) | 0;
    words[at + Layout.SQE_OP] = op;
    words[(at + Layout.SQE_QD) | 0] = qd;
    words[(at + Layout.SQE_QT) | 0] = qt;
    words[(at + Layout.SQE_ARG) | 0] = arg;
    this.#sqTail = (this.#sqTail + 1) | 0;
  }

  /** One crossing of the boundary: hands over the submissions, drives the device, fetches completions. Returns how many are ready. */
  poll(waitMicroseconds: number): number {
    const words = this.words;
    words[Layout.WORD_SQ_TAIL] = this.#sqTail;
    words[Layout.WORD_CQ_HEAD] = this.#cqHead;
    const ready = this.#native.poll(waitMicroseconds);
    if (ready < 0) throw DemiError.from(ready, "poll");
    this.#room = this.#entries;
    this.#cqTail = words[Layout.WORD_CQ_TAIL];
    return ready;
  }

  /** Word index of the oldest completion entry, -1 when there is none. The entry is consumed: read it before the next poll(). */
  next(): number {
    const head = this.#cqHead;
    if (head === this.#cqTail) return -1;
    this.#cqHead = (head + 1) | 0;
    return (this.#cqBase + ((head & this.#mask) << 2)) | 0;
  }

  /** The libOS is gone: completions not taken yet are none any more, whoever is in the middle of taking them. */
  end(): void {
    this.#cqHead = this.#cqTail;
  }

  /** Completions that found no room in the ring. */
  get more(): boolean {
    return this.words[Layout.WORD_CQ_MORE] !== 0;
  }

  /** Tokens that ended without a completion entry since the last call. */
  returned(each: (qt: number) => void): void {
    const count = this.words[Layout.WORD_RETURNED_COUNT];
    if (count === 0) return;
    this.words[Layout.WORD_RETURNED_COUNT] = 0;
    for (let i = 0; i < count; i++) each(this.words[this.#returnedBase + i]);
  }
}
