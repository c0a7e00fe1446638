import { encodingFor } from "../commands/string/set.js";
import { copyBytes } from "../memory/bytes.js";
import { chunkOf } from "../memory/heap.js";
import type { Loaded } from "./loaded.js";
import type { RdbReader } from "./reader.js";

/** Its bytes stay where they were read until it is added. */
export function loadString(reader: RdbReader): Loaded {
  reader.string();
  const { bytes, at: from, length: size } = reader;
  return {
    add(db, key, at, length) {
      const ref = db.addString(key, at, length, size, encodingFor(bytes, from, size));
      copyBytes(bytes, from, size, db.heap.bytes[chunkOf(ref)], db.stringAt(ref));
      return ref;
    },
    discard() {},
  };
}
