/** The end of SINTERSTORE, SUNIONSTORE and SDIFFSTORE. */
import type { Call } from "../../server/call.js";
import type { SetValue } from "../../values/set.js";

/** Stores a new set in the key that is the first argument, whatever it held; an empty one deletes it. */
export function storeSet(call: Call, set: SetValue, event: string): void {
  const { args, db, reply } = call;
  const { size } = set;
  if (size === 0) {
    set.free();
    reply.integer(0);
    return deleteTarget(call);
  }
  const old = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  if (old !== 0) db.replacing();
  set.store(db, args.bytes, args.at(1), args.length(1));
  if (old !== 0) db.delete(old);
  reply.integer(size);
  call.changed(1, "s", event);
}

/** Deletes the key that is the first argument, if it is there. */
export function deleteTarget(call: Call): void {
  const { args, db } = call;
  const old = db.find(args.bytes, args.at(1), args.length(1));
  if (old === 0) return;
  db.delete(old);
  call.changed(1, "g", "del");
}
