/** Copies of values, as COPY makes them. */
import type { Db } from "../keyspace/db.js";
import { isBlob, type StoredObject, Type } from "../keyspace/types.js";
import { copyBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import type { HashTable } from "./hash-table.js";
import { orRelease } from "./or-release.js";
import { Quicklist } from "./quicklist.js";
import type { SetTable } from "./set-table.js";
import { appendNode, eachNode } from "./stored-list.js";
import type { Stream } from "./stream.js";
import { ZsetObject } from "./zset-object.js";

/** What the record of a copy names: nothing for a string, which lies in the record itself. */
export function copyOfValue(db: Db, ref: Ref): Ref | StoredObject | undefined {
  const type = db.typeOf(ref);
  if (type === Type.STRING) return undefined;
  if (isBlob(db.encodingOf(ref))) return copyOfBlock(db.heap, db.blob(ref));
  switch (type) {
    case Type.HASH:
      return db.object<HashTable>(ref).copy();
    case Type.SET:
      return db.object<SetTable>(ref).copy();
    case Type.ZSET:
      return copyOfZset(db.object<ZsetObject>(ref));
    case Type.LIST:
      return copyOfList(db, ref);
    case Type.STREAM:
      return db.object<Stream>(ref).copy();
  }
}

function copyOfBlock(heap: Heap, block: Ref): Ref {
  const bytes = heap.capacity(block);
  const made = heap.alloc(bytes);
  copyBytes(heap.bytes[chunkOf(block)], offsetOf(block), bytes, heap.bytes[chunkOf(made)], offsetOf(made));
  return made;
}

function copyOfList(db: Db, ref: Ref): Quicklist {
  const made = new Quicklist(db.heap);
  return orRelease(made, () => {
    eachNode(db, ref, (isPlain, bytes, at, length) => appendNode(made, isPlain, bytes, at, length));
    return made;
  });
}

function copyOfZset({ heap, tree, size }: ZsetObject): ZsetObject {
  const made = new ZsetObject(heap);
  return orRelease(made, () => {
    if (size !== 0) tree.seek(0);
    for (let left = size; left > 0; left--) {
      const { member } = tree;
      made.hold(tree.score, heap.bytes[chunkOf(member)], offsetOf(member) + HEADER, keyLengthOf(heap, member));
      tree.step(1);
    }
    made.order();
    return made;
  });
}
