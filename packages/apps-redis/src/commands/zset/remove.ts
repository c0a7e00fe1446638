import type { Call } from "../../server/call.js";
import type { Zset } from "../../values/zset.js";
import { LexRange, ScoreRange } from "../../values/zset-range.js";
import { type CommandSpec, keys } from "../command.js";
import { changedZset, family, longOf, NOT_MEMBERS, NOT_SCORES, writeZset, zero } from "./zset.js";

const scores = new ScoreRange();
const members = new LexRange();

function zrem(call: Call): void {
  const { args, reply } = call;
  const zset = writeZset(call, 1, zero);
  if (zset === undefined) return;
  let removed = 0;
  for (let i = 2; i < args.count && zset.length !== 0; i++) {
    if (zset.remove(args.bytes, args.at(i), args.length(i))) removed++;
  }
  if (removed !== 0) changedZset(call, zset, 1, "zrem", removed);
  reply.integer(removed);
}

function zremrangebyrank(call: Call): void {
  const first = longOf(call, 2);
  const last = first === undefined ? undefined : longOf(call, 3);
  if (first === undefined || last === undefined) return;
  const zset = writeZset(call, 1, zero);
  if (zset === undefined) return;
  const { length } = zset;
  const from = Math.max(first < 0 ? first + length : first, 0);
  const to = Math.min(last < 0 ? last + length : last, length - 1);
  removeRange(call, zset, from, to + 1, "zremrangebyrank");
}

function zremrangebyscore(call: Call): void {
  if (!scores.parse(call.args, 2, 3)) return call.reply.error(NOT_SCORES);
  const zset = writeZset(call, 1, zero);
  if (zset === undefined) return;
  zset.scoreRange(scores);
  removeRange(call, zset, zset.from, zset.end, "zremrangebyscore");
}

function zremrangebylex(call: Call): void {
  if (!members.parse(call.args, 2, 3)) return call.reply.error(NOT_MEMBERS);
  const zset = writeZset(call, 1, zero);
  if (zset === undefined) return;
  zset.lexRange(members, false);
  removeRange(call, zset, zset.from, zset.end, "zremrangebylex");
}

function removeRange(call: Call, zset: Zset, from: number, end: number, event: string): void {
  const count = Math.max(end - from, 0);
  if (count !== 0) {
    zset.removeRange(from, count);
    changedZset(call, zset, 1, event, count);
  }
  call.reply.integer(count);
}

const common = {
  ...family,
  arity: 4,
  flags: "write",
  complexity: "O(log(N)+M) with N members, of which M are removed",
  keys: keys("RW delete"),
};

export const removeCommands: readonly CommandSpec[] = [
  {
    ...common,
    name: "zrem",
    arity: -3,
    flags: "write fast",
    since: "1.2.0",
    complexity: "O(M*log(N)) to remove M of N members",
    summary: "Removes members.",
    handler: zrem,
  },
  {
    ...common,
    name: "zremrangebyrank",
    since: "2.0.0",
    summary: "Removes members within a range of ranks.",
    handler: zremrangebyrank,
  },
  {
    ...common,
    name: "zremrangebyscore",
    since: "1.2.0",
    summary: "Removes members within a range of scores.",
    handler: zremrangebyscore,
  },
  {
    ...common,
    name: "zremrangebylex",
    since: "2.8.9",
    summary: "Removes members within a range of texts, where all scores are the same.",
    handler: zremrangebylex,
  },
];
