import type { QueueToken } from "../types.js";
import type { Boundary } from "./boundary.js";
import { Holder } from "./tokens.js";

/**
 * Tokens that completed while nobody handled them, oldest first: what waitNext and a later run() hand out. A token picked up by a
 * wait stays in the list until it is passed over, so the list is compacted when it is full.
 */
export class DoneList {
  readonly #boundary: Boundary;
  #ring: Int32Array;
  #mask: number;
  #head = 0;
  #count = 0;

  constructor(boundary: Boundary) {
    this.#boundary = boundary;
    // Twice the tokens: at least half of a full list is stale, so compacting pays for itself.
    const size = 2 ** Math.ceil(Math.log2(boundary.capacity * 2));
    this.#ring = boundary.tableOf(size);
    this.#mask = size - 1;
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  add(qt: number): void {
    if (this.#count > this.#mask) this.#compact();
    this.#ring[(this.#head + this.#count++) & this.#mask] = qt;
  }

  /** The oldest token that still waits to be picked up; 0 when no token does. */
  take(): QueueToken {
    while (this.#count > 0) {
      const qt = this.#ring[this.#head] as QueueToken;
      this.#head = (this.#head + 1) & this.#mask;
      this.#count--;
      if (this.#waits(qt)) return qt;
    }
    return 0 as QueueToken;
  }

  #waits(qt: number): boolean {
    return this.#boundary.holder(qt) === Holder.DONE;
  }

  #compact(): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const qt = this.#ring[(this.#head + i) & this.#mask];
      if (this.#waits(qt)) this.#ring[(this.#head + kept++) & this.#mask] = qt;
    }
    this.#count = kept;
  }
}
