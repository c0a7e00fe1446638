/** t_list: values that are a list of strings. */
import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { blmove, blmpop, blpop, brpop, brpoplpush } from "./blocking.js";
import { linsert, lrem, lset } from "./change.js";
import { lpos } from "./lpos.js";
import { lmove, rpoplpush } from "./move.js";
import { lmpop, lpop, rpop } from "./pop.js";
import { lpush, lpushx, rpush, rpushx } from "./push.js";
import { lindex, llen, lrange, ltrim } from "./range.js";

type Spec = Omit<CommandSpec, "name" | "categories" | "group">;

const list = (name: string, spec: Spec): CommandSpec => ({ name, categories: "list", group: "list", ...spec });

const PUSH_COMPLEXITY = "O(N) for N elements";
const ACCESS_DELETE = "RW access delete";
const SOURCE_AND_TARGET: readonly KeySpec[] = [...keys(ACCESS_DELETE, 1), ...keys("RW insert", 2)];
/** Keys behind their number, which argument `i` is. */
const numbered = (i: number): readonly KeySpec[] => [
  { flags: ACCESS_DELETE, begin: { index: i }, find: { count: 0, first: 1, step: 1 } },
];

export const listCommands: readonly CommandSpec[] = [
  list("lpush", {
    arity: -3,
    flags: "write denyoom fast",
    since: "1.0.0",
    complexity: PUSH_COMPLEXITY,
    summary: "Adds elements at the head of a list, one before the other.",
    keys: keys("RW insert"),
    handler: lpush,
  }),
  list("rpush", {
    arity: -3,
    flags: "write denyoom fast",
    since: "1.0.0",
    complexity: PUSH_COMPLEXITY,
    summary: "Adds elements at the tail of a list.",
    keys: keys("RW insert"),
    handler: rpush,
  }),
  list("lpushx", {
    arity: -3,
    flags: "write denyoom fast",
    since: "2.2.0",
    complexity: PUSH_COMPLEXITY,
    summary: "As LPUSH, if the list is there.",
    keys: keys("RW insert"),
    handler: lpushx,
  }),
  list("rpushx", {
    arity: -3,
    flags: "write denyoom fast",
    since: "2.2.0",
    complexity: PUSH_COMPLEXITY,
    summary: "As RPUSH, if the list is there.",
    keys: keys("RW insert"),
    handler: rpushx,
  }),
  list("lpop", {
    arity: -2,
    flags: "write fast",
    since: "1.0.0",
    complexity: "O(N) for N elements that are returned",
    summary: "Takes out the first elements of a list.",
    keys: keys(ACCESS_DELETE),
    handler: lpop,
  }),
  list("rpop", {
    arity: -2,
    flags: "write fast",
    since: "1.0.0",
    complexity: "O(N) for N elements that are returned",
    summary: "Takes out the last elements of a list.",
    keys: keys(ACCESS_DELETE),
    handler: rpop,
  }),
  list("llen", {
    arity: 2,
    flags: "readonly fast",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "How many elements a list has.",
    keys: keys("RO"),
    handler: llen,
  }),
  list("lindex", {
    arity: 3,
    flags: "readonly",
    since: "1.0.0",
    complexity: "O(N) for N elements from the nearer end to that one",
    summary: "The element with an index.",
    keys: keys("RO access"),
    handler: lindex,
  }),
  list("linsert", {
    arity: 5,
    flags: "write denyoom",
    since: "2.2.0",
    complexity: "O(N) for N elements from the head to the pivot",
    summary: "Adds an element before or after another.",
    keys: keys("RW insert"),
    handler: linsert,
  }),
  list("lset", {
    arity: 4,
    flags: "write denyoom",
    since: "1.0.0",
    complexity: "O(N) for N elements from the nearer end to that one",
    summary: "Puts another element in the place of the one with an index.",
    keys: keys("RW update"),
    handler: lset,
  }),
  list("lrange", {
    arity: 4,
    flags: "readonly",
    since: "1.0.0",
    complexity: "O(S+N) for S elements from the nearer end to the first, and N that are returned",
    summary: "The elements from one index to another.",
    keys: keys("RO access"),
    handler: lrange,
  }),
  list("ltrim", {
    arity: 4,
    flags: "write",
    since: "1.0.0",
    complexity: "O(N) for N elements that are removed",
    summary: "Removes the elements outside of two indices.",
    keys: keys("RW delete"),
    handler: ltrim,
  }),
  list("lrem", {
    arity: 4,
    flags: "write",
    since: "1.0.0",
    complexity: "O(N+M) for N elements of the list and M that are removed",
    summary: "Removes elements that are equal to one.",
    keys: keys("RW delete"),
    handler: lrem,
  }),
  list("lpos", {
    arity: -3,
    flags: "readonly",
    since: "6.0.6",
    complexity: "O(N) for N elements that are looked at: the whole list, or MAXLEN",
    summary: "The indices of elements that are equal to one.",
    keys: keys("RO access"),
    handler: lpos,
  }),
  list("lmove", {
    arity: 5,
    flags: "write denyoom",
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Takes an element from an end of a list to an end of another, and returns it.",
    keys: SOURCE_AND_TARGET,
    handler: lmove,
  }),
  list("rpoplpush", {
    arity: 3,
    flags: "write denyoom",
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Takes the last element of a list to the head of another, and returns it.",
    keys: SOURCE_AND_TARGET,
    handler: rpoplpush,
  }),
  list("lmpop", {
    arity: -4,
    flags: "write movablekeys",
    since: "7.0.0",
    complexity: "O(N+M) for N keys and M elements that are returned",
    summary: "Takes elements out of the first of several lists that has any.",
    keys: numbered(1),
    handler: lmpop,
  }),
  list("blpop", {
    arity: -3,
    flags: "write noscript blocking",
    since: "2.0.0",
    complexity: "O(N) for N keys",
    summary: "Takes the first element out of the first of several lists that has any, and waits for one.",
    keys: keys(ACCESS_DELETE, 1, -2),
    handler: blpop,
  }),
  list("brpop", {
    arity: -3,
    flags: "write noscript blocking",
    since: "2.0.0",
    complexity: "O(N) for N keys",
    summary: "Takes the last element out of the first of several lists that has any, and waits for one.",
    keys: keys(ACCESS_DELETE, 1, -2),
    handler: brpop,
  }),
  list("blmove", {
    arity: 6,
    flags: "write denyoom noscript blocking",
    since: "6.2.0",
    complexity: "O(1)",
    summary: "As LMOVE, and waits for an element.",
    keys: SOURCE_AND_TARGET,
    handler: blmove,
  }),
  list("brpoplpush", {
    arity: 4,
    flags: "write denyoom noscript blocking",
    since: "2.2.0",
    complexity: "O(1)",
    summary: "As RPOPLPUSH, and waits for an element.",
    keys: SOURCE_AND_TARGET,
    handler: brpoplpush,
  }),
  list("blmpop", {
    arity: -5,
    flags: "write blocking movablekeys",
    since: "7.0.0",
    complexity: "O(N+M) for N keys and M elements that are returned",
    summary: "As LMPOP, and waits for an element.",
    keys: numbered(2),
    handler: blmpop,
  }),
];
