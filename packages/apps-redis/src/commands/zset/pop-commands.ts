import { type CommandSpec, keys } from "../command.js";
import { bzmpop, bzpop } from "./blocking.js";
import { zmpop, zpop } from "./pop.js";
import { family } from "./zset.js";

const one = {
  ...family,
  arity: -2,
  flags: "write fast",
  since: "5.0.0",
  complexity: "O(log(N)*M) to take M of N members",
  keys: keys("RW access delete"),
};

const blocking = {
  ...family,
  arity: -3,
  flags: "write noscript blocking fast",
  since: "5.0.0",
  complexity: "O(log(N)) with N members",
  keys: keys("RW access delete", 1, -2),
};

const mpop = {
  ...family,
  arity: -4,
  flags: "write movablekeys",
  since: "7.0.0",
  complexity: "O(K)+O(M*log(N)) with K keys, to take M of N members",
};

const counted = { count: 0, first: 1, step: 1 };

export const popCommands: readonly CommandSpec[] = [
  {
    ...one,
    name: "zpopmin",
    summary: "Takes out the members with the lowest scores.",
    handler: (call) => zpop(call, "min"),
  },
  {
    ...one,
    name: "zpopmax",
    summary: "Takes out the members with the highest scores.",
    handler: (call) => zpop(call, "max"),
  },
  {
    ...blocking,
    name: "bzpopmin",
    summary: "Takes out the member with the lowest score, and waits for one if there is none.",
    handler: (call) => bzpop(call, "min"),
  },
  {
    ...blocking,
    name: "bzpopmax",
    summary: "Takes out the member with the highest score, and waits for one if there is none.",
    handler: (call) => bzpop(call, "max"),
  },
  {
    ...mpop,
    name: "zmpop",
    summary: "Takes out the members with the lowest or the highest scores of the first key that has some.",
    keys: [{ flags: "RW access delete", begin: { index: 1 }, find: counted }],
    handler: zmpop,
  },
  {
    ...mpop,
    name: "bzmpop",
    arity: -5,
    flags: "write blocking movablekeys",
    summary: "As ZMPOP, and waits if no key has members.",
    keys: [{ flags: "RW access delete", begin: { index: 2 }, find: counted }],
    handler: bzmpop,
  },
];
