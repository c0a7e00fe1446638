/** Copies of values, as COPY makes them. */
import { chunkOf, offsetOf, type Ref } from "../memory/heap.js";
import { copyBytes } from "../memory/latin1.js";
import type { Db } from "./db.js";
import { isBlob, type StoredObject, Type } from "./types.js";

/** What the record of a copy names: nothing for a string, which lies in the record itself. */
export function copyOfValue(db: Db, ref: Ref): Ref | StoredObject | undefined {
  if (db.typeOf(ref) === Type.STRING) return undefined;
  if (!isBlob(db.encodingOf(ref))) throw new Error(`a value of type ${db.typeOf(ref)} has no copy yet`);
  const { heap } = db;
  const blob = db.blob(ref);
  const bytes = heap.capacity(blob);
  const made = heap.alloc(bytes);
  copyBytes(heap.bytes[chunkOf(blob)], offsetOf(blob), bytes, heap.bytes[chunkOf(made)], offsetOf(made));
  return made;
}
