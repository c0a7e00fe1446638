/** One bit: SETBIT, GETBIT. */
import { Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { bitOffset, hasGrown, withBit } from "./offset.js";

const NO_BIT = "ERR bit is not an integer or out of range";

export function setbit(call: Call): void {
  const { db, reply } = call;
  const offset = bitOffset(call, 2);
  if (offset < 0) return;
  const bit = call.long(3, NO_BIT);
  if (bit === undefined) return;
  if (bit !== 0 && bit !== 1) return reply.error(NO_BIT);
  const ref = withBit(call, offset);
  if (ref === REFUSED) return;
  const bytes = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref) + Math.floor(offset / 8);
  const shift = 7 - (offset & 7);
  const had = (bytes[at] >> shift) & 1;
  if (hasGrown || had !== bit) {
    bytes[at] = (bytes[at] & ~(1 << shift)) | (bit << shift);
    call.changed(1, "$", "setbit");
  }
  reply.integer(had);
}

export function getbit(call: Call): void {
  const { db, reply } = call;
  const offset = bitOffset(call, 2);
  if (offset < 0) return;
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  const byte = Math.floor(offset / 8);
  if (ref === 0 || byte >= db.stringLength(ref)) return reply.integer(0);
  reply.integer((db.heap.bytes[chunkOf(ref)][db.stringAt(ref) + byte] >> (7 - (offset & 7))) & 1);
}
