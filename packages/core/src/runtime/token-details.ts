import type { QueueToken } from "../types.js";
import type { Boundary } from "./boundary.js";
import type { CompletionCallback } from "./tag.js";
import { indexOf } from "./tokens.js";

/** What the data path does not need of outstanding tokens: callbacks, completions nobody has picked up, tokens of derived queues. */
export class TokenDetails {
  readonly #callbacks: (CompletionCallback | undefined)[] = [];
  readonly #results: Int32Array;
  readonly #values: Int32Array;
  readonly #tags: Int32Array;
  readonly #started: Int32Array;
  readonly #startTags: Int32Array;

  constructor(boundary: Boundary) {
    const { capacity } = boundary;
    this.#results = boundary.tableOf(capacity);
    this.#values = boundary.tableOf(capacity);
    this.#tags = boundary.tableOf(capacity);
    this.#started = boundary.tableOf(capacity);
    this.#startTags = boundary.tableOf(capacity);
  }

  /** Keeps a completion until it is picked up. */
  keep(qt: QueueToken, result: number, value: number, tag: number): void {
    const index = indexOf(qt);
    this.#results[index] = result;
    this.#values[index] = value;
    this.#tags[index] = tag;
  }

  // What keep() kept.
  result(qt: QueueToken): number {
    return this.#results[indexOf(qt)];
  }
  value(qt: QueueToken): number {
    return this.#values[indexOf(qt)];
  }
  tag(qt: QueueToken): number {
    return this.#tags[indexOf(qt)];
  }

  /** For a token of a derived queue: what it does and on which queue, known from its start on. */
  setStartTag(qt: QueueToken, tag: number): void {
    const index = indexOf(qt);
    this.#started[index] = qt;
    this.#startTags[index] = tag;
  }
  /** 0 for a token of a native queue. */
  startTag(qt: QueueToken): number {
    const index = indexOf(qt);
    return this.#started[index] === qt ? this.#startTags[index] : 0;
  }

  setCallback(qt: QueueToken, callback: CompletionCallback): void {
    this.#callbacks[indexOf(qt)] = callback;
  }

  /** The callback of a token, which loses it. */
  takeCallback(qt: QueueToken): CompletionCallback {
    const index = indexOf(qt);
    const callback = this.#callbacks[index] as CompletionCallback;
    this.#callbacks[index] = undefined;
    return callback;
  }

  /** The callbacks of all outstanding tokens, for the end of the libOS. */
  get callbacks(): CompletionCallback[] {
    return this.#callbacks.filter((callback) => callback !== undefined);
  }
}
