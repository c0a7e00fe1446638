import { Layout } from "../layout.js";
import type { Boundary } from "./boundary.js";

const INDEX_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;

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
 * What the data path does not need of outstanding tokens: callbacks, results nobody has picked up, tokens of derived queues. In the
 * boundary's table of tokens, a token a callback waits for stands as its negative, a completed one as its complement.
 */
export class TokenTable {
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #table: number;
  readonly #callbacks: (CompletionCallback | undefined)[] = [];
  readonly #results: Int32Array;
  readonly #values: Int32Array;
  readonly #tags: Int32Array;
  readonly #started: Int32Array;
  readonly #startTags: Int32Array;

  constructor(boundary: Boundary) {
    const { words, capacity, table } = boundary;
    this.#words = words;
    this.#capacity = capacity;
    this.#table = table;
    this.#results = boundary.tableOf(capacity);
    this.#values = boundary.tableOf(capacity);
    this.#tags = boundary.tableOf(capacity);
    this.#started = boundary.tableOf(capacity);
    this.#startTags = boundary.tableOf(capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  holder(qt: number): Holder {
    const index = qt & INDEX_MASK;
    const word = qt > 0 && index < this.#capacity ? this.#words[this.#table + index] : 0;
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

  /** After detach(), where the operation goes on: the token is the application's again. */
  detached(qt: number): void {
    this.#words[this.#table + (qt & INDEX_MASK)] = qt;
  }

  /** The callbacks of all outstanding tokens, for the end of the libOS. */
  waiting(): CompletionCallback[] {
    return this.#callbacks.filter((callback) => callback !== undefined);
  }
}
