import { type CommandSpec, keys } from "../command.js";
import { pfadd } from "./pfadd.js";
import { pfcount } from "./pfcount.js";
import { pfdebug } from "./pfdebug.js";
import { pfmerge } from "./pfmerge.js";
import { pfselftest } from "./pfselftest.js";

/** hyperloglog: how many different elements there were, to within a percent, in 12 KiB at most. */
export const hyperloglogCommands: readonly CommandSpec[] = [
  {
    name: "pfadd",
    arity: -2,
    flags: "write denyoom fast",
    categories: "hyperloglog",
    group: "hyperloglog",
    since: "2.8.9",
    complexity: "O(1) for each element",
    summary: "Adds elements to a HyperLogLog.",
    keys: keys("RW insert"),
    handler: pfadd,
  },
  {
    name: "pfcount",
    arity: -2,
    flags: "readonly may_replicate",
    categories: "hyperloglog",
    group: "hyperloglog",
    since: "2.8.9",
    complexity: "O(1) for one key; O(N), with a large constant, for the union of N",
    summary: "How many different elements were added to HyperLogLogs, roughly.",
    keys: [{ ...keys("RW access", 1, -1)[0], notes: "RW: the count is kept in the value" }],
    handler: pfcount,
  },
  {
    name: "pfdebug",
    arity: 3,
    flags: "write denyoom admin",
    categories: "hyperloglog",
    group: "hyperloglog",
    since: "2.8.9",
    complexity: "N/A",
    summary: "Shows what is inside a HyperLogLog.",
    keys: keys("RW access", 2),
    handler: pfdebug,
  },
  {
    name: "pfmerge",
    arity: -2,
    flags: "write denyoom",
    categories: "hyperloglog",
    group: "hyperloglog",
    since: "2.8.9",
    complexity: "O(N) for N HyperLogLogs, with a large constant",
    summary: "Merges HyperLogLogs into one.",
    keys: [...keys("RW access insert"), ...keys("RO access", 2, -1)],
    handler: pfmerge,
  },
  {
    name: "pfselftest",
    arity: 1,
    flags: "admin",
    categories: "hyperloglog",
    group: "hyperloglog",
    since: "2.8.9",
    complexity: "N/A",
    summary: "Tests the registers and the estimates of HyperLogLogs.",
    handler: pfselftest,
  },
];
