import { Type } from "../../keyspace/types.js";
import { replyPacked } from "../../protocol/packed.js";
import { type Call, REFUSED } from "../../server/call.js";
import type { QuicklistReader } from "../../values/quicklist-reader.js";
import { openList, settleList } from "../../values/stored-list.js";
import { long, replyElement } from "./element.js";

export function llen(call: Call): void {
  const ref = call.read(1, Type.LIST);
  if (ref === REFUSED) return;
  call.reply.integer(ref === 0 ? 0 : openList(call.db, ref, 0).count);
}

export function lindex(call: Call): void {
  const ref = call.read(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return call.reply.null();
  const index = long(call, 2);
  if (index === undefined) return;
  const list = openList(call.db, ref, 0);
  if (list.seek(index)) replyElement(call, list);
  else call.reply.null();
}

export function lrange(call: Call): void {
  const { reply } = call;
  const start = long(call, 2);
  if (start === undefined) return;
  const stop = long(call, 3);
  if (stop === undefined) return;
  const ref = call.read(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.array(0);
  const list = openList(call.db, ref, 0);
  const first = Math.max(start < 0 ? start + list.count : start, 0);
  const last = Math.min(stop < 0 ? stop + list.count : stop, list.count - 1);
  replyRange(call, list, first, Math.max(last - first + 1, 0));
}

/** Replies `count` elements from the one with this index on, or back from it. */
export function replyRange(call: Call, list: QuicklistReader, index: number, count: number, backwards = false): void {
  call.reply.array(count);
  if (count === 0) return;
  list.seek(index);
  if (backwards) {
    for (let rest = count; ; list.prev()) {
      replyElement(call, list);
      if (--rest === 0) return;
    }
  }
  for (let rest = count; ; ) {
    rest -= replyRun(call, list, rest);
    if (rest === 0) return;
    list.nextNode();
  }
}

/** Replies the elements from the one at which the list stands to the end of its node, or `most` of them. Returns how many. */
function replyRun(call: Call, list: QuicklistReader, most: number): number {
  if (!list.isPlain) return replyPacked(call.reply, list.pack, list.p, most);
  replyElement(call, list);
  return 1;
}

export function ltrim(call: Call): void {
  const { db, reply } = call;
  const start = long(call, 2);
  if (start === undefined) return;
  const stop = long(call, 3);
  if (stop === undefined) return;
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.ok();
  const list = openList(db, ref, call.server.config.listMaxListpackSize);
  const { count } = list;
  const first = Math.max(start < 0 ? start + count : start, 0);
  const last = Math.min(stop < 0 ? stop + count : stop, count - 1);
  const isEmpty = first > last;
  const before = isEmpty ? count : first;
  const after = isEmpty ? 0 : count - last - 1;
  list.removeRange(0, before);
  list.removeRange(list.count - after, after);
  const rest = settleList(db, ref, list);
  call.notify("l", "ltrim", 1);
  if (rest === 0) call.removeKey(ref, 1);
  db.keyspace.dirty += before + after - 1;
  call.changed(1);
  reply.ok();
}
