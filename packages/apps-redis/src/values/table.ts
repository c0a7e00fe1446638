/** What the hashtable encodings of sets and hashes are: a {@link Dict} as the object that a key holds. */
import type { StoredObject } from "../keyspace/types.js";
import { Dict } from "../memory/dict.js";
import type { Heap, Ref } from "../memory/heap.js";

/** Elements whose size stands for that of all, as MEMORY USAGE has it where it is not told. */
const USUAL_SAMPLES = 5;

export class Table implements StoredObject {
  readonly dict: Dict;

  constructor(readonly heap: Heap) {
    this.dict = new Dict(heap);
  }

  get size(): number {
    return this.dict.size;
  }

  /** Bytes that it holds, by the mean of some elements; of all with 0. */
  bytes(samples = USUAL_SAMPLES): number {
    const { dict, heap } = this;
    if (dict.size === 0) return dict.tableBytes;
    let seen = 0;
    let total = 0;
    dict.some((ref) => {
      total += heap.capacity(ref);
      return ++seen === samples;
    });
    return dict.tableBytes + Math.round((total / seen) * dict.size);
  }

  release(most: number): boolean {
    return this.dict.drain(most);
  }

  /** All records, for who will draw among them. */
  refs(): Ref[] {
    const all: Ref[] = [];
    this.dict.each((ref) => {
      all.push(ref);
    });
    return all;
  }
}
