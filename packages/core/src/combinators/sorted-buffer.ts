/** Elements in a comparator's order, equal ones in the order of their arrival. */
export class SortedBuffer<T> {
  /** Last to pop first, so that taking the next one moves nothing. */
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The next to pop. */
  get first(): T | undefined {
    return this.#items.at(-1);
  }

  /**
   * Inserts by binary search: every comparison comes before the first change, so a comparator that throws leaves the order intact (a
   * heap would be left half-sifted), and taking an element compares nothing.
   */
  insert(item: T, compare: (a: T, b: T) => number): void {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#items[middle], item) > 0) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, item);
  }

  takeFirst(): T | undefined {
    return this.#items.pop();
  }

  clear(): T[] {
    return this.#items.splice(0);
  }
}
