/** Random numbers that a seed gives again. */
import { seededRandom } from "@demikernel/bench";

export class Random {
  constructor(seed) {
    /** From 0 to below 1. */
    this.next = seededRandom(seed);
  }

  /** A whole number from 0 to below `n`. */
  below(n) {
    return Math.floor(this.next() * n);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(p) {
    return this.next() < p;
  }
}
