/** A value in the form that DUMP hands out and RDB files have, byte for byte as redis-server 7.0 writes it. */
import type { Db } from "../keyspace/db.js";
import { Type } from "../keyspace/types.js";
import { chunkOf, type Ref } from "../memory/heap.js";
import { RdbType } from "./format.js";
import { saveList } from "./save-list.js";
import { saveStream } from "./save-stream.js";
import { saveHash, saveSet, saveZset } from "./save-table.js";
import type { RdbWriter } from "./writer.js";

/** Writes the byte that tells the type, and the value. */
export function saveValue(writer: RdbWriter, db: Db, ref: Ref): void {
  switch (db.typeOf(ref)) {
    case Type.STRING:
      writer.type(RdbType.STRING);
      return writer.string(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), db.stringLength(ref));
    case Type.LIST:
      return saveList(writer, db, ref);
    case Type.SET:
      return saveSet(writer, db, ref);
    case Type.ZSET:
      return saveZset(writer, db, ref);
    case Type.HASH:
      return saveHash(writer, db, ref);
    case Type.STREAM:
      return saveStream(writer, db.object(ref));
  }
}
