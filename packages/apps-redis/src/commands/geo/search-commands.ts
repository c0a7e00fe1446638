import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { family } from "./arguments.js";
import { search } from "./search.js";

const common = {
  ...family,
  complexity: "O(N+log(M)) with N members in the parts of the map that cover the shape, of which M lie in it",
};

/** Keys that options name, from an argument on. */
const stored = (startFrom: number): KeySpec[] =>
  ["STORE", "STOREDIST"].map((keyword) => ({
    flags: "OW update",
    begin: { keyword, startFrom },
    find: { last: 0, step: 1 },
  }));

const radius = { ...common, since: "3.2.0" };

export const searchCommands: readonly CommandSpec[] = [
  {
    ...common,
    name: "geosearch",
    arity: -7,
    flags: "readonly",
    since: "6.2.0",
    summary: "The members within a circle or a box.",
    keys: keys("RO access"),
    handler: (call) => search(call, { isSearch: true, isByMember: false, key: 1, mayStore: false }),
  },
  {
    ...common,
    name: "geosearchstore",
    arity: -8,
    flags: "write denyoom",
    since: "6.2.0",
    summary: "Stores the members within a circle or a box as another sorted set.",
    keys: [...keys("OW update"), ...keys("RO access", 2)],
    handler: (call) => search(call, { isSearch: true, isByMember: false, key: 2, mayStore: true }),
  },
  {
    ...radius,
    name: "georadius",
    arity: -6,
    flags: "write denyoom movablekeys",
    summary: "The members within a circle around a point, or stores them.",
    keys: [...keys("RO access"), ...stored(6)],
    handler: (call) => search(call, { isSearch: false, isByMember: false, key: 1, mayStore: true }),
  },
  {
    ...radius,
    name: "georadius_ro",
    arity: -6,
    flags: "readonly",
    since: "3.2.10",
    summary: "The members within a circle around a point.",
    keys: keys("RO access"),
    handler: (call) => search(call, { isSearch: false, isByMember: false, key: 1, mayStore: false }),
  },
  {
    ...radius,
    name: "georadiusbymember",
    arity: -5,
    flags: "write denyoom movablekeys",
    summary: "The members within a circle around one of them, or stores them.",
    keys: [...keys("RO access"), ...stored(5)],
    handler: (call) => search(call, { isSearch: false, isByMember: true, key: 1, mayStore: true }),
  },
  {
    ...radius,
    name: "georadiusbymember_ro",
    arity: -5,
    flags: "readonly",
    since: "3.2.10",
    summary: "The members within a circle around one of them.",
    keys: keys("RO access"),
    handler: (call) => search(call, { isSearch: false, isByMember: true, key: 1, mayStore: false }),
  },
];
