import { Type } from "../../keyspace/types.js";
import { type Call, NO_SUCH_KEY, OUT_OF_RANGE, REFUSED } from "../../server/call.js";
import { abandonList, openList, settleList } from "../../values/stored-list.js";
import { long } from "./element.js";

export function lset(call: Call): void {
  const { args, db, reply } = call;
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.error(NO_SUCH_KEY);
  const index = long(call, 2);
  if (index === undefined) return;
  const list = openList(db, ref, call.server.config.listMaxListpackSize);
  if (!list.seek(index)) return reply.error(OUT_OF_RANGE);
  try {
    list.replace(args.bytes, args.at(3), args.length(3));
  } finally {
    settleList(db, ref, list);
  }
  reply.ok();
  call.changed(1, "l", "lset");
}

export function linsert(call: Call): void {
  const { args, db, reply } = call;
  const after = args.is(2, "after");
  if (!after && !args.is(2, "before")) return call.syntaxError();
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.integer(0);
  const list = openList(db, ref, call.server.config.listMaxListpackSize);
  for (let there = list.seek(0); there; there = list.next()) {
    if (!list.equals(args.bytes, args.at(3), args.length(3))) continue;
    try {
      list.insert(after, args.bytes, args.at(4), args.length(4));
    } catch (error) {
      abandonList(db, ref, list);
      throw error;
    }
    const count = settleList(db, ref, list);
    call.changed(1, "l", "linsert");
    reply.integer(count);
    return;
  }
  reply.integer(-1);
}

export function lrem(call: Call): void {
  const { args, db, reply } = call;
  const count = long(call, 2);
  if (count === undefined) return;
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.integer(0);
  const list = openList(db, ref, call.server.config.listMaxListpackSize);
  const backwards = count < 0;
  const most = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  let removed = 0;
  for (let there = list.seek(backwards ? -1 : 0); there && removed < most; ) {
    if (list.equals(args.bytes, args.at(3), args.length(3))) {
      there = list.remove(backwards);
      removed++;
    } else {
      there = backwards ? list.prev() : list.next();
    }
  }
  if (removed !== 0) {
    const rest = settleList(db, ref, list);
    db.keyspace.dirty += removed - 1;
    call.changed(1, "l", "lrem");
    if (rest === 0) call.removeKey(ref, 1);
  }
  reply.integer(removed);
}
