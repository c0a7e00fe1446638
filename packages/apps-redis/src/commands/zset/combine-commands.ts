import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { combine, zintercard } from "./combine.js";
import { family } from "./zset.js";

const UNION = "O(N)+O(M*log(M)) for N members in all, and M of the outcome";
const INTER = "O(N*K)+O(M*log(M)) at most, for K keys, of which the smallest has N members, and M of the outcome";
const DIFF = "O(L+(N-K)*log(N)) at most, for L members in all, N of the first key and K of the outcome";

const counted = (index: number): KeySpec => ({
  flags: "RO access",
  begin: { index },
  find: { count: 0, first: 1, step: 1 },
});

const read = { ...family, arity: -3, flags: "readonly movablekeys", since: "6.2.0", keys: [counted(1)] };
const store = {
  ...family,
  arity: -4,
  flags: "write denyoom movablekeys",
  since: "2.0.0",
  keys: [...keys("OW update"), counted(2)],
};

export const combineCommands: readonly CommandSpec[] = [
  {
    ...read,
    name: "zunion",
    complexity: UNION,
    summary: "The members that any of some sorted sets has.",
    handler: (call) => combine(call, "union", false),
  },
  {
    ...read,
    name: "zinter",
    complexity: INTER,
    summary: "The members that each of some sorted sets has.",
    handler: (call) => combine(call, "inter", false),
  },
  {
    ...read,
    name: "zdiff",
    complexity: DIFF,
    summary: "The members that the first of some sorted sets has, and none of the others.",
    handler: (call) => combine(call, "diff", false),
  },
  {
    ...store,
    name: "zunionstore",
    complexity: UNION,
    summary: "Stores the members that any of some sorted sets has.",
    handler: (call) => combine(call, "union", true),
  },
  {
    ...store,
    name: "zinterstore",
    complexity: INTER,
    summary: "Stores the members that each of some sorted sets has.",
    handler: (call) => combine(call, "inter", true),
  },
  {
    ...store,
    name: "zdiffstore",
    since: "6.2.0",
    complexity: DIFF,
    summary: "Stores the members that the first of some sorted sets has, and none of the others.",
    handler: (call) => combine(call, "diff", true),
  },
  {
    ...read,
    name: "zintercard",
    since: "7.0.0",
    complexity: "O(N*K) at most, for K keys, of which the smallest has N members",
    summary: "How many members each of some sorted sets has.",
    handler: zintercard,
  },
];
