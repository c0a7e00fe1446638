import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import type { Quicklist } from "../../values/quicklist.js";
import { openList, settleList } from "../../values/stored-list.js";
import { isLeft, longFrom, replyElement } from "./element.js";
import { replyRange } from "./range.js";

export const lpop = (call: Call): void => pop(call, true);
export const rpop = (call: Call): void => pop(call, false);

function pop(call: Call, left: boolean): void {
  const { args, reply } = call;
  if (args.count > 3) return reply.error(`ERR wrong number of arguments for '${call.command.fullName}' command`);
  const hasCount = args.count === 3;
  let count: number | undefined;
  if (hasCount) {
    count = longFrom(call, 2, 0, "ERR value is out of range, must be positive");
    if (count === undefined) return;
  }
  const ref = call.write(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return hasCount ? reply.nullArray() : reply.null();
  if (count === undefined) popOne(call, 1, ref, left);
  else if (count === 0) reply.array(0);
  else popRange(call, 1, ref, left, count);
}

export function lmpop(call: Call): void {
  const { reply } = call;
  const wanted = readLmpop(call, 1);
  if (wanted === undefined) return;
  for (let i = wanted.first; i < wanted.first + wanted.keys; i++) {
    const ref = call.write(i, Type.LIST);
    if (ref === REFUSED) return;
    if (ref !== 0) return popWithKey(call, i, ref, wanted.left, wanted.count);
  }
  reply.nullArray();
}

/** What LMPOP and BLMPOP ask for: keys from argument `first` on. */
export interface Lmpop {
  first: number;
  keys: number;
  left: boolean;
  count: number;
}

/** `i`: where the number of keys stands; undefined: something is wrong, which was replied. */
export function readLmpop(call: Call, i: number): Lmpop | undefined {
  const { args } = call;
  const keys = longFrom(call, i, 1, "ERR numkeys should be greater than 0");
  if (keys === undefined) return undefined;
  const where = i + keys + 1;
  if (where >= args.count) {
    call.syntaxError();
    return undefined;
  }
  const left = isLeft(call, where);
  if (left === undefined) return undefined;
  if (where + 1 === args.count) return { first: i + 1, keys, left, count: 1 };
  if (!args.is(where + 1, "count") || where + 2 >= args.count) {
    call.syntaxError();
    return undefined;
  }
  const count = longFrom(call, where + 2, 1, "ERR count should be greater than 0");
  if (count === undefined) return undefined;
  if (where + 3 === args.count) return { first: i + 1, keys, left, count };
  call.syntaxError();
  return undefined;
}

/** Replies and takes out one element of the list that argument `i` is. */
export function popOne(call: Call, i: number, ref: Ref, left: boolean): void {
  const list = openList(call.db, ref, call.server.config.listMaxListpackSize);
  list.seek(left ? 0 : -1);
  replyElement(call, list);
  list.remove(!left);
  removed(call, i, ref, list, left, 1);
}

/** Told as LPOP or RPOP of the key that argument `i` is, with `count` as of so many: what waited for it, or looked for it among several. */
export function tellPop({ args, db, server }: Call, i: number, left: boolean, count?: number): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  const told = propagation
    .insteadOf(db.id, count === undefined ? 2 : 3)
    .text(left ? "LPOP" : "RPOP")
    .argument(args, i);
  if (count !== undefined) told.integer(count);
}

/** As popOne(), of up to `count` elements. */
export function popRange(call: Call, i: number, ref: Ref, left: boolean, count: number): number {
  const list = openList(call.db, ref, call.server.config.listMaxListpackSize);
  const some = Math.min(count, list.count);
  replyRange(call, list, left ? 0 : list.count - 1, some, !left);
  list.removeRange(left ? 0 : list.count - some, some);
  removed(call, i, ref, list, left, some);
  return some;
}

/** As popRange(), with the key before it. */
export function popWithKey(call: Call, i: number, ref: Ref, left: boolean, count: number): void {
  const { args, reply } = call;
  reply.array(2);
  reply.bulk(args.bytes, args.at(i), args.length(i));
  tellPop(call, i, left, popRange(call, i, ref, left, count));
}

/** Elements were taken out at an end. */
function removed(call: Call, i: number, ref: Ref, list: Quicklist, left: boolean, count: number): void {
  const rest = settleList(call.db, ref, list);
  call.notify("l", left ? "lpop" : "rpop", i);
  if (rest === 0) call.removeKey(ref, i);
  call.db.keyspace.dirty += count - 1;
  call.changed(i);
}
