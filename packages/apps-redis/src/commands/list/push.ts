import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { abandonList, newList, openList, settleList } from "../../values/stored-list.js";
import { makeList } from "./element.js";

export const lpush = (call: Call): void => push(call, true, false);
export const rpush = (call: Call): void => push(call, false, false);
export const lpushx = (call: Call): void => push(call, true, true);
export const rpushx = (call: Call): void => push(call, false, true);

function push(call: Call, atHead: boolean, onlyThere: boolean): void {
  const { args, db, reply } = call;
  const { listMaxListpackSize } = call.server.config;
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0 && onlyThere) return reply.integer(0);
  const list = ref === 0 ? newList(db.heap, listMaxListpackSize) : openList(db, ref, listMaxListpackSize);
  try {
    for (let i = 2; i < args.count; i++) list.push(atHead, args.bytes, args.at(i), args.length(i));
  } catch (error) {
    abandonList(db, ref, list);
    throw error;
  }
  const { count } = list;
  if (ref === 0) makeList(call, 1, list);
  else settleList(db, ref, list);
  db.keyspace.dirty += args.count - 3;
  reply.integer(count);
  call.changed(1, "l", atHead ? "lpush" : "rpush");
}
