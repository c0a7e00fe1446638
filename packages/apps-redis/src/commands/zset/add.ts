import { Type } from "../../keyspace/types.js";
import { parseDouble } from "../../numbers/doubles.js";
import type { Args } from "../../protocol/args.js";
import { type Call, NOT_FLOAT, REFUSED } from "../../server/call.js";
import { Added, Only, Zset } from "../../values/zset.js";
import { type CommandSpec, keys } from "../command.js";
import { createZset, family, replyScore } from "./zset.js";

const NAN = "ERR resulting score is not a number (NaN)";

/** Scores of the command that runs. */
let scores = new Float64Array(64);
const zset = new Zset();

export function zadd(call: Call): void {
  const { args } = call;
  let only = 0;
  let countsChanged = false;
  let first = 2;
  for (; first < args.count; first++) {
    if (args.is(first, "nx")) only |= Only.NEW;
    else if (args.is(first, "xx")) only |= Only.THERE;
    else if (args.is(first, "gt")) only |= Only.GREATER;
    else if (args.is(first, "lt")) only |= Only.LESS;
    else if (args.is(first, "incr")) only |= Only.INCR;
    else if (args.is(first, "ch")) countsChanged = true;
    else break;
  }
  addPairs(call, first, only, countsChanged);
}

export function zincrby(call: Call): void {
  addPairs(call, 2, Only.INCR, false);
}

/** Adds pairs of a score and a member, which the arguments from `first` on are: all of them, or on an error none. */
function addPairs(call: Call, first: number, only: number, countsChanged: boolean): void {
  const { args, reply } = call;
  const pairs = (args.count - first) >>> 1;
  if (pairs === 0 || (args.count - first) % 2 !== 0) return call.syntaxError();
  const isNew = (only & Only.NEW) !== 0;
  if (isNew && (only & Only.THERE) !== 0) {
    return reply.error("ERR XX and NX options at the same time are not compatible");
  }
  const compares = only & (Only.GREATER | Only.LESS);
  if ((isNew && compares !== 0) || compares === (Only.GREATER | Only.LESS)) {
    return reply.error("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if ((only & Only.INCR) !== 0 && pairs > 1) {
    return reply.error("ERR INCR option supports a single increment-element pair");
  }
  if (!parseScores(args, first, pairs)) return reply.error(NOT_FLOAT);
  addScores(call, scores, args, first + 1, 2, pairs, only, countsChanged);
}

function parseScores(args: Args, first: number, pairs: number): boolean {
  if (scores.length < pairs) scores = new Float64Array(pairs * 2);
  for (let n = 0, i = first; n < pairs; n++, i += 2) {
    const score = parseDouble(args.bytes, args.at(i), args.length(i));
    if (score === undefined) return false;
    scores[n] = score;
  }
  return true;
}

/** ZADD with scores that are known: of `count` members, the argument `member` and each `step` further. */
export function addScores(
  call: Call,
  given: Float64Array,
  args: Args,
  member: number,
  step: number,
  count: number,
  only: number,
  countsChanged: boolean,
): void {
  const { db, reply } = call;
  const { config } = call.server;
  const increments = (only & Only.INCR) !== 0;
  const ref = call.write(1, Type.ZSET);
  if (ref === REFUSED) return;
  if (ref === 0 && (only & Only.THERE) !== 0) return increments ? reply.null() : reply.integer(0);
  const set = ref === 0 ? createZset(call, 1, args.length(member)) : zset.open(db, ref);
  let added = 0;
  let updated = 0;
  let outcome: number = Added.NOT;
  for (let n = 0, i = member; n < count; n++, i += step) {
    outcome = set.add(config, given[n], args.bytes, args.at(i), args.length(i), only);
    if (outcome === Added.NEW) added++;
    else if (outcome === Added.CHANGED) updated++;
    else if (outcome === Added.NAN) break;
  }
  if (outcome === Added.NAN) reply.error(NAN);
  else if (!increments) reply.integer(countsChanged ? added + updated : added);
  else if (outcome === Added.NOT) reply.null();
  else replyScore(reply, set.newScore);
  if (added + updated === 0) return;
  call.changed(1, "z", increments ? "zincr" : "zadd");
  db.keyspace.dirty += added + updated - 1;
}

export const addCommands: readonly CommandSpec[] = [
  {
    ...family,
    name: "zadd",
    arity: -4,
    flags: "write denyoom fast",
    since: "1.2.0",
    complexity: "O(log(N)) for each of the members, of N that there are",
    summary: "Adds members with their scores, or gives those that are there new scores.",
    keys: keys("RW update"),
    handler: zadd,
  },
  {
    ...family,
    name: "zincrby",
    arity: 4,
    flags: "write denyoom fast",
    since: "1.2.0",
    complexity: "O(log(N)) with N members",
    summary: "Adds to the score of a member.",
    keys: keys("RW access update"),
    handler: zincrby,
  },
];
