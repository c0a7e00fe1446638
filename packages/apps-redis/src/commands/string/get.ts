/** GET, and what reads the string and changes the key: GETEX, GETDEL. */
import { Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { expiryTime, Option, options } from "./expiry.js";

export function get(call: Call): void {
  const ref = call.read(1, Type.STRING);
  if (ref !== REFUSED) replyString(call, ref);
}

/** The string of a record; of none, nothing. */
export function replyString({ db, reply }: Call, ref: Ref): void {
  if (ref === 0) reply.null();
  else reply.bulk(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), db.stringLength(ref));
}

export function getex(call: Call): void {
  const { db } = call;
  if (!options.parse(call, 2, false)) return;
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  if (ref === 0) return call.reply.null();
  if (options.time !== 0) {
    const expiry = expiryTime(call, options.time, options.flags);
    if (expiry === 0) return;
    replyString(call, ref);
    if (options.has(Option.EXAT | Option.PXAT) && call.isOver(expiry)) {
      db.delete(ref);
      call.changed(1, "g", "del");
      call.toldAsDeleted(1, call.server.config.lazyfreeLazyExpire);
    } else {
      db.setExpiry(ref, expiry);
      call.changed(1, "g", "expire");
      const { propagation } = call.server;
      if (propagation.isOn) propagation.insteadOf(db.id, 3).text("PEXPIREAT").argument(call.args, 1).integer(expiry);
    }
    return;
  }
  replyString(call, ref);
  if (options.has(Option.PERSIST) && db.expiryOf(ref) !== -1) {
    db.setExpiry(ref, -1);
    call.changed(1, "g", "persist");
    const { propagation } = call.server;
    if (propagation.isOn) propagation.insteadOf(db.id, 2).text("PERSIST").argument(call.args, 1);
  }
}

export function getdel(call: Call): void {
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  replyString(call, ref);
  if (ref === 0) return;
  call.db.delete(ref);
  call.changed(1, "g", "del");
  call.toldAsDeleted(1, call.server.config.lazyfreeLazyUserDel);
}
