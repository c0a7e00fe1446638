import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { Zset } from "../../values/zset.js";
import { changedZset, emptyArray, longOf, replyMember, replyScore, writeZset } from "./zset.js";

/** From which end: ZPOPMIN's or ZPOPMAX's. */
export type End = "min" | "max";

const NOT_POSITIVE = "ERR value is out of range, must be positive";
const zset = new Zset();

/** ZPOPMIN and ZPOPMAX. */
export function zpop(call: Call, end: End): void {
  const { args, reply } = call;
  if (args.count > 3) return call.syntaxError();
  const hasCount = args.count === 3;
  const wanted = hasCount ? longOf(call, 2, NOT_POSITIVE) : 1;
  if (wanted === undefined) return;
  if (wanted < 0) return reply.error(NOT_POSITIVE);
  const set = writeZset(call, 1, emptyArray);
  if (set === undefined) return;
  const count = Math.min(wanted, set.length);
  const isNested = hasCount && reply.resp === 3;
  reply.array(isNested ? count : count * 2);
  popElements(call, set, 1, end, count, isNested);
}

/** What ZMPOP and BZMPOP are asked for: the first of the keys, how many there are, from which end, and how many elements. */
export interface Mpop {
  first: number;
  keys: number;
  end: End;
  count: number;
}

/** Reads it from argument `i` on; undefined: it is wrong, which was replied. */
export function readMpop(call: Call, i: number): Mpop | undefined {
  const { args } = call;
  const keys = above0(call, i, "ERR numkeys should be greater than 0");
  if (keys === undefined) return undefined;
  const where = i + keys + 1;
  const isMin = where < args.count && args.is(where, "min");
  if (where >= args.count || !(isMin || args.is(where, "max"))) {
    call.syntaxError();
    return undefined;
  }
  let count: number | undefined;
  for (let n = where + 1; n < args.count; n += 2) {
    if (count !== undefined || !args.is(n, "count") || n + 1 === args.count) {
      call.syntaxError();
      return undefined;
    }
    count = above0(call, n + 1, "ERR count should be greater than 0");
    if (count === undefined) return undefined;
  }
  return { first: i + 1, keys, end: isMin ? "min" : "max", count: count ?? 1 };
}

function above0(call: Call, i: number, error: string): number | undefined {
  const value = longOf(call, i, error);
  if (value === undefined || value > 0) return value;
  call.reply.error(error);
  return undefined;
}

export function zmpop(call: Call): void {
  const wanted = readMpop(call, 1);
  if (wanted === undefined) return;
  for (let i = wanted.first; i < wanted.first + wanted.keys; i++) {
    const ref = call.write(i, Type.ZSET);
    if (ref === REFUSED) return;
    if (ref !== 0) return popWithKey(call, zset.open(call.db, ref), i, wanted.end, wanted.count);
  }
  call.reply.nullArray();
}

/** The key that argument `i` is, and up to `count` of its elements. */
export function popWithKey(call: Call, set: Zset, i: number, end: End, count: number): void {
  const { args, reply } = call;
  const some = Math.min(count, set.length);
  reply.array(2);
  reply.bulk(args.bytes, args.at(i), args.length(i));
  reply.array(some);
  popElements(call, set, i, end, some, true);
  tellPop(call, i, end, some);
}

/** The key that argument `i` is, a member and its score. */
export function popOneWithKey(call: Call, set: Zset, i: number, end: End): void {
  const { args, reply } = call;
  reply.array(3);
  reply.bulk(args.bytes, args.at(i), args.length(i));
  popElements(call, set, i, end, 1, false);
  tellPop(call, i, end);
}

/** Told as ZPOPMIN or ZPOPMAX of the key that argument `i` is, with `count` as of so many. */
function tellPop({ args, db, server }: Call, i: number, end: End, count?: number): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  const told = propagation.insteadOf(db.id, count === undefined ? 2 : 3);
  told.text(end === "min" ? "ZPOPMIN" : "ZPOPMAX").argument(args, i);
  if (count !== undefined) told.integer(count);
}

/** Replies the elements, as pairs or one behind the other, and takes them out; there are as many. */
function popElements(call: Call, set: Zset, i: number, end: End, count: number, isNested: boolean): void {
  if (count === 0) return;
  const { reply } = call;
  const { length } = set;
  set.seek(end === "min" ? 0 : length - 1);
  for (let n = count; ; ) {
    if (isNested) reply.array(2);
    replyMember(reply, set);
    replyScore(reply, set.currentScore());
    if (--n === 0) break;
    set.step(end === "min" ? 1 : -1);
  }
  set.removeRange(end === "min" ? 0 : length - count, count);
  changedZset(call, set, i, end === "min" ? "zpopmin" : "zpopmax", count);
}
