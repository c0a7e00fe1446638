import type { CommandSpec } from "../command.js";
import { keys } from "../command.js";
import { range, zrangestore } from "./range.js";
import { family } from "./zset.js";

const common = {
  ...family,
  arity: -4,
  flags: "readonly",
  complexity: "O(log(N)+M) with N members, of which M are told",
  keys: keys("RO access"),
};

export const rangeCommands: readonly CommandSpec[] = [
  {
    ...common,
    name: "zrange",
    since: "1.2.0",
    summary: "Members within a range of ranks, of scores or of texts.",
    handler: (call) => range(call),
  },
  {
    ...common,
    name: "zrangestore",
    arity: -5,
    flags: "write denyoom",
    since: "6.2.0",
    complexity: "O(log(N)+M) with N members, of which M are stored",
    summary: "Stores members within a range as another sorted set.",
    keys: [...keys("OW update"), ...keys("RO access", 2)],
    handler: zrangestore,
  },
  {
    ...common,
    name: "zrevrange",
    since: "1.2.0",
    summary: "Members within a range of ranks, from the highest score on.",
    handler: (call) => range(call, "rank", true),
  },
  {
    ...common,
    name: "zrangebyscore",
    since: "1.0.5",
    summary: "Members within a range of scores.",
    handler: (call) => range(call, "score", false),
  },
  {
    ...common,
    name: "zrevrangebyscore",
    since: "2.2.0",
    summary: "Members within a range of scores, from the highest on.",
    handler: (call) => range(call, "score", true),
  },
  {
    ...common,
    name: "zrangebylex",
    since: "2.8.9",
    summary: "Members within a range of texts, where all scores are the same.",
    handler: (call) => range(call, "lex", false),
  },
  {
    ...common,
    name: "zrevrangebylex",
    since: "2.8.9",
    summary: "Members within a range of texts, from the last on, where all scores are the same.",
    handler: (call) => range(call, "lex", true),
  },
];
