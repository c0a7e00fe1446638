import type { Db } from "../keyspace/db.js";
import type { Ref } from "../memory/heap.js";
import { eachNode, openList } from "../values/stored-list.js";
import { Container, RdbType } from "./format.js";
import type { RdbWriter } from "./writer.js";

/** Node by node. */
export function saveList(writer: RdbWriter, db: Db, ref: Ref): void {
  writer.type(RdbType.LIST_QUICKLIST_2);
  writer.size(openList(db, ref, 0).nodes);
  eachNode(db, ref, (isPlain, bytes, at, length) => {
    writer.size(isPlain ? Container.PLAIN : Container.PACKED);
    writer.string(bytes, at, length);
  });
}
