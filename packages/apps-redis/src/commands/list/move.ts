import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { abandonList, newList, openList, settleList } from "../../values/stored-list.js";
import { held, hold, isLeft, makeList } from "./element.js";

export function lmove(call: Call): void {
  const fromLeft = isLeft(call, 3);
  if (fromLeft === undefined) return;
  const toLeft = isLeft(call, 4);
  if (toLeft !== undefined) moveOrNull(call, fromLeft, toLeft);
}

export const rpoplpush = (call: Call): void => moveOrNull(call, false, true);

function moveOrNull(call: Call, fromLeft: boolean, toLeft: boolean): void {
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) call.reply.null();
  else move(call, ref, fromLeft, toLeft);
}

/** Takes an element of the list that argument 1 is to the one that argument 2 is, and replies it; false: this is no list, which was replied. */
export function move(call: Call, source: Ref, fromLeft: boolean, toLeft: boolean): boolean {
  const { db, reply } = call;
  const setting = call.server.config.listMaxListpackSize;
  const target = call.write(2, Type.LIST);
  if (target === REFUSED) return false;
  let rest: number;
  let list = openList(db, source, setting);
  list.seek(fromLeft ? 0 : -1);
  hold(list);
  // Before the element is taken from where it is.
  db.heap.demand(2 * held.length);
  if (target === source) {
    list.remove();
    list.push(toLeft, held.bytes, 0, held.length);
    rest = settleList(db, source, list);
  } else {
    // It is taken from the one only when it is in the other, for which there may be no memory.
    list = target === 0 ? newList(db.heap, setting) : openList(db, target, setting);
    try {
      list.push(toLeft, held.bytes, 0, held.length);
    } catch (error) {
      abandonList(db, target, list);
      throw error;
    }
    if (target === 0) makeList(call, 2, list);
    else settleList(db, target, list);
    list = openList(db, source, setting);
    list.seek(fromLeft ? 0 : -1);
    list.remove();
    rest = settleList(db, source, list);
  }
  call.changed(2, "l", toLeft ? "lpush" : "rpush");
  reply.bulk(held.bytes, 0, held.length);
  call.notify("l", fromLeft ? "lpop" : "rpop", 1);
  if (rest === 0) call.removeKey(source, 1);
  call.changed(1);
  db.keyspace.dirty--;
  return true;
}
