import { Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";

export function get(call: Call): void {
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  if (ref === 0) return call.reply.null();
  const { db, reply } = call;
  reply.bulk(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), db.stringLength(ref));
}
