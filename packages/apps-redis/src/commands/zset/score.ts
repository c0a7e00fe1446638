/** What one member has: its score and its rank; and how many there are. */
import type { Call } from "../../server/call.js";
import { LexRange, ScoreRange } from "../../values/zset-range.js";
import { type CommandSpec, keys } from "../command.js";
import { family, NOT_MEMBERS, NOT_SCORES, nothing, readZset, replyScore, zero } from "./zset.js";

const scores = new ScoreRange();
const members = new LexRange();

function zscore(call: Call): void {
  const { args, reply } = call;
  const zset = readZset(call, 1, nothing);
  if (zset === undefined) return;
  const score = zset.score(args.bytes, args.at(2), args.length(2));
  if (Number.isNaN(score)) reply.null();
  else replyScore(reply, score);
}

function zmscore(call: Call): void {
  const { args, reply } = call;
  const zset = readZset(call, 1, () => {
    reply.array(args.count - 2);
    for (let i = 2; i < args.count; i++) reply.null();
  });
  if (zset === undefined) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const score = zset.score(args.bytes, args.at(i), args.length(i));
    if (Number.isNaN(score)) reply.null();
    else replyScore(reply, score);
  }
}

function zcard(call: Call): void {
  const zset = readZset(call, 1, zero);
  if (zset !== undefined) call.reply.integer(zset.length);
}

const zrank = (call: Call): void => rank(call, false);
const zrevrank = (call: Call): void => rank(call, true);

function rank(call: Call, isReverse: boolean): void {
  const { args, reply } = call;
  const zset = readZset(call, 1, nothing);
  if (zset === undefined) return;
  const found = zset.rank(args.bytes, args.at(2), args.length(2));
  if (found < 0) reply.null();
  else reply.integer(isReverse ? zset.length - 1 - found : found);
}

function zcount(call: Call): void {
  if (!scores.parse(call.args, 2, 3)) return call.reply.error(NOT_SCORES);
  const zset = readZset(call, 1, zero);
  if (zset === undefined) return;
  zset.scoreRange(scores);
  call.reply.integer(zset.end - zset.from);
}

function zlexcount(call: Call): void {
  if (!members.parse(call.args, 2, 3)) return call.reply.error(NOT_MEMBERS);
  const zset = readZset(call, 1, zero);
  if (zset === undefined) return;
  zset.lexRange(members, false);
  call.reply.integer(zset.end - zset.from);
}

const common = { ...family, flags: "readonly fast", keys: keys("RO access") };

export const scoreCommands: readonly CommandSpec[] = [
  {
    ...common,
    name: "zscore",
    arity: 3,
    since: "1.2.0",
    complexity: "O(1)",
    summary: "The score of a member.",
    handler: zscore,
  },
  {
    ...common,
    name: "zmscore",
    arity: -3,
    since: "6.2.0",
    complexity: "O(N) for N members",
    summary: "The scores of members.",
    handler: zmscore,
  },
  {
    ...common,
    name: "zcard",
    arity: 2,
    since: "1.2.0",
    complexity: "O(1)",
    summary: "How many members there are.",
    keys: keys("RO"),
    handler: zcard,
  },
  {
    ...common,
    name: "zrank",
    arity: 3,
    since: "2.0.0",
    complexity: "O(log(N)) with N members",
    summary: "Where a member stands, from the lowest score on.",
    handler: zrank,
  },
  {
    ...common,
    name: "zrevrank",
    arity: 3,
    since: "2.0.0",
    complexity: "O(log(N)) with N members",
    summary: "Where a member stands, from the highest score on.",
    handler: zrevrank,
  },
  {
    ...common,
    name: "zcount",
    arity: 4,
    since: "2.0.0",
    complexity: "O(log(N)) with N members",
    summary: "How many members have a score within a range.",
    handler: zcount,
  },
  {
    ...common,
    name: "zlexcount",
    arity: 4,
    since: "2.8.9",
    complexity: "O(log(N)) with N members",
    summary: "How many members lie within a range of texts.",
    handler: zlexcount,
  },
];
