import type { Call } from "../../server/call.js";
import { NOT_INTEGER } from "../../server/call.js";
import type { Zset } from "../../values/zset.js";
import { type CommandSpec, keys } from "../command.js";
import { replyDraws } from "../random.js";
import { emptyArray, family, nothing, readZset, replyMember, replyPair, replyPairs } from "./zset.js";

const LONGEST = 2n ** 63n - 1n;

function zrandmember(call: Call): void {
  const { args, reply } = call;
  if (args.count > 2) return several(call);
  const zset = readZset(call, 1, nothing);
  if (zset === undefined) return;
  zset.seek(Math.floor(Math.random() * zset.length));
  replyMember(reply, zset);
}

function several(call: Call): void {
  const { args, reply } = call;
  const count = args.integer(2);
  if (count === undefined) return reply.error(NOT_INTEGER);
  if (count < -LONGEST) {
    return reply.error(`ERR value is out of range, value must between ${-LONGEST} and ${LONGEST}`);
  }
  const withScores = args.count === 4 && args.is(3, "withscores");
  if (args.count > 3 && !withScores) return call.syntaxError();
  if (withScores && (count < -LONGEST / 2n || count > LONGEST / 2n)) return reply.error("ERR value is out of range");
  const zset = readZset(call, 1, emptyArray);
  if (zset === undefined) return;
  if (count < 0n) any(call, zset, -count, withScores);
  else if (count >= BigInt(zset.length)) all(call, zset, withScores);
  else different(call, zset, Number(count), withScores);
}

/** Each of them any element, whatever the others are. */
function any(call: Call, zset: Zset, count: bigint, withScores: boolean): void {
  const { reply } = call;
  const { length } = zset;
  zset.index();
  replyDraws(
    call,
    count,
    (wanted) => replyPairs(reply, wanted, withScores),
    () => {
      zset.seekIndexed(Math.floor(Math.random() * length));
      replyPair(reply, zset, withScores);
    },
  );
}

/** From the last on, as Redis walks through a sorted set. */
function all(call: Call, zset: Zset, withScores: boolean): void {
  const { reply } = call;
  replyPairs(reply, zset.length, withScores);
  zset.seek(zset.length - 1);
  do replyPair(reply, zset, withScores);
  while (zset.step(-1));
}

/** Fewer than there are, and none twice (Floyd, in "A Sample of Brilliance", CACM 1987). */
function different(call: Call, zset: Zset, count: number, withScores: boolean): void {
  const { reply } = call;
  const { length } = zset;
  const ranks = new Set<number>();
  for (let last = length - count; last < length; last++) {
    const rank = Math.floor(Math.random() * (last + 1));
    ranks.add(ranks.has(rank) ? last : rank);
  }
  replyPairs(reply, count, withScores);
  zset.index();
  for (const rank of ranks) {
    zset.seekIndexed(rank);
    replyPair(reply, zset, withScores);
  }
}

export const randomCommands: readonly CommandSpec[] = [
  {
    ...family,
    name: "zrandmember",
    arity: -2,
    flags: "readonly",
    since: "6.2.0",
    complexity: "O(N) for N members that are told",
    summary: "Members by chance.",
    hints: "nondeterministic_output",
    keys: keys("RO access"),
    handler: zrandmember,
  },
];
