/** What is put together before it is a key's value: if there is no memory for all of it, what was made so far is given back. */
import type { StoredObject } from "../keyspace/types.js";

export function orRelease<T>(made: Pick<StoredObject, "release">, body: () => T): T {
  try {
    return body();
  } catch (error) {
    made.release(Number.POSITIVE_INFINITY);
    throw error;
  }
}
