import type { Call } from "../../server/call.js";
import { addZset } from "../../values/zset-add.js";
import type { ZsetObject } from "../../values/zset-object.js";
import { signalZset } from "./zset.js";

/** The key that argument `i` is becomes this set, whatever it was before; without elements it goes. Returns how many elements it has. */
export function storeZset(call: Call, i: number, object: ZsetObject, event: string): number {
  const { args, db } = call;
  const { size } = object;
  const old = db.lookupWrite(args.bytes, args.at(i), args.length(i));
  if (size === 0) {
    object.release(Number.POSITIVE_INFINITY);
    if (old === 0) return 0;
    db.delete(old);
    call.changed(i, "g", "del");
    return 0;
  }
  if (old !== 0) db.replacing();
  addZset(db, call.server.config, args.bytes, args.at(i), args.length(i), object);
  if (old !== 0) db.delete(old);
  signalZset(call, i);
  call.changed(i, "z", event);
  return size;
}
