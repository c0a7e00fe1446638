/** Sets, hashes and sorted sets: small ones are the bytes of their block, as one string, where Redis has that block. */
import { Intset } from "../encodings/intset.js";
import { ListpackReader } from "../encodings/listpack-reader.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, isBlob } from "../keyspace/types.js";
import { chunkOf, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import { Element } from "../values/element.js";
import type { HashTable } from "../values/hash-table.js";
import { SetValue } from "../values/set.js";
import type { ZsetObject } from "../values/zset-object.js";
import { RdbType } from "./format.js";
import type { RdbWriter } from "./writer.js";

const list = new ListpackReader();
const integers = new Intset();
const set = new SetValue();
const value = new Element();

export function saveSet(writer: RdbWriter, db: Db, ref: Ref): void {
  if (db.encodingOf(ref) === Encoding.INTSET) {
    integers.open(db.heap, db.blob(ref));
    writer.type(RdbType.SET_INTSET);
    return writer.string(integers.bytes, integers.base, integers.byteLength);
  }
  set.open(db, ref);
  writer.type(RdbType.SET);
  writer.size(set.size);
  set.each(({ bytes, at, length }) => writer.string(bytes, at, length));
}

export function saveHash(writer: RdbWriter, db: Db, ref: Ref): void {
  if (isBlob(db.encodingOf(ref))) return saveListpack(writer, db, ref, RdbType.HASH_LISTPACK);
  const table = db.object<HashTable>(ref);
  writer.type(RdbType.HASH);
  writer.size(table.size);
  table.dict.each((field) => {
    saveKey(writer, db, field);
    table.readValue(field, value);
    writer.string(value.bytes, value.at, value.length);
  });
}

/** A large one from the last element to the first: so whoever reads it adds each at the head. */
export function saveZset(writer: RdbWriter, db: Db, ref: Ref): void {
  if (isBlob(db.encodingOf(ref))) return saveListpack(writer, db, ref, RdbType.ZSET_LISTPACK);
  const { size, tree } = db.object<ZsetObject>(ref);
  writer.type(RdbType.ZSET_2);
  writer.size(size);
  tree.seek(size - 1);
  do {
    saveKey(writer, db, tree.member);
    writer.double(tree.score);
  } while (tree.step(-1));
}

function saveListpack(writer: RdbWriter, db: Db, ref: Ref, type: number): void {
  list.open(db.heap, db.blob(ref));
  writer.type(type);
  writer.string(list.bytes, list.base, list.byteLength);
}

/** The key of a record. */
function saveKey(writer: RdbWriter, { heap }: Db, record: Ref): void {
  writer.string(heap.bytes[chunkOf(record)], offsetOf(record) + HEADER, keyLengthOf(heap, record));
}
