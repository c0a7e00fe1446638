/** A value that was read and is no key's yet. */
import type { Db } from "../keyspace/db.js";
import type { Ref } from "../memory/heap.js";

export interface Loaded {
  /** Makes it the value of a key, which is not there. */
  add(db: Db, key: Uint8Array, at: number, length: number): Ref;
  /** Gives its memory back instead. */
  discard(): void;
}

/** Reads; if what is read is not right, what was made so far is given back. */
export function reading<T>(discard: () => void, read: () => T): T {
  try {
    return read();
  } catch (error) {
    discard();
    throw error;
  }
}
