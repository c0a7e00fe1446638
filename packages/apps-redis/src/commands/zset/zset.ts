/** What the commands of sorted sets have in common. */
import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { formatDouble } from "../../numbers/doubles.js";
import type { Reply } from "../../protocol/reply.js";
import { type Call, REFUSED } from "../../server/call.js";
import { Zset } from "../../values/zset.js";

export const NOT_SCORES = "ERR min or max is not a float";
export const NOT_MEMBERS = "ERR min or max not valid string range item";

/** The one of the command that runs: commands do not run within each other. */
const zset = new Zset();

/** The sorted set of the key that argument `i` is. undefined: there is none, and `missing` has replied, or it is of another type, which was replied. */
export function readZset(call: Call, i: number, missing: (reply: Reply) => void): Zset | undefined {
  return opened(call, call.read(i, Type.ZSET), missing);
}

/** As readZset(), for who will change it. */
export function writeZset(call: Call, i: number, missing: (reply: Reply) => void): Zset | undefined {
  return opened(call, call.write(i, Type.ZSET), missing);
}

function opened(call: Call, ref: Ref, missing: (reply: Reply) => void): Zset | undefined {
  if (ref === REFUSED) return undefined;
  if (ref !== 0) return zset.open(call.db, ref);
  missing(call.reply);
  return undefined;
}

/** A sorted set without elements for the key that argument `i` is, which is not there; who waits for the key is served after the command. */
export function createZset(call: Call, i: number, memberLength: number): Zset {
  const { args, db, server } = call;
  zset.create(db, server.config, args.bytes, args.at(i), args.length(i), memberLength);
  signalZset(call, i);
  return zset;
}

/** The key that argument `i` is has become a sorted set. */
export function signalZset(call: Call, i: number): void {
  if (call.server.blocking.count !== 0) call.server.blocking.signal(call.db, call.args.text(i));
}

/** The key that argument `i` is was changed in `count` elements; it goes if the set has none left. */
export function changedZset(call: Call, of: Zset, i: number, event: string, count: number): void {
  call.changed(i, "z", event);
  call.db.keyspace.dirty += count - 1;
  if (of.length === 0) call.removeKey(of.ref, i);
}

/** Argument `i` as an integer of 64 bits, the nearest that a double has; undefined: it is none, which was replied. */
export function longOf(call: Call, i: number, error?: string): number | undefined {
  const value = call.long(i, error);
  return value === undefined ? undefined : Number(value);
}

export const zero = (reply: Reply): void => reply.integer(0);
export const nothing = (reply: Reply): void => reply.null();
export const emptyArray = (reply: Reply): void => reply.array(0);

export function replyScore(reply: Reply, score: number): void {
  reply.double(formatDouble(score));
}

/** The member that seek() and step() are at. */
export function replyMember(reply: Reply, of: Zset): void {
  reply.bulk(of.text, of.textAt, of.textLength);
}

/** The head of a reply of `count` members with their scores: pairs in RESP3, one behind the other in RESP2. */
export function replyPairs(reply: Reply, count: number, withScores: boolean): void {
  reply.array(withScores && reply.resp === 2 ? count * 2 : count);
}

/** One of them. */
export function replyPair(reply: Reply, of: Zset, withScores: boolean): void {
  if (withScores && reply.resp === 3) reply.array(2);
  replyMember(reply, of);
  if (withScores) replyScore(reply, of.currentScore());
}

/** What all of the family's commands have. */
export const family = { categories: "sortedset", group: "sorted-set" } as const;
