import { type CommandSpec, keys } from "../command.js";
import { xadd, xsetid } from "./add.js";
import { xdel, xtrim } from "./delete.js";
import { xlen, xrange, xrevrange } from "./range.js";

type Spec = Omit<CommandSpec, "categories" | "group">;

const stream = (spec: Spec): CommandSpec => ({ ...spec, categories: "stream", group: "stream" });

/** t_stream: logs of entries, and consumer groups that read them. */
export const streamCommands: readonly CommandSpec[] = [
  stream({
    name: "xadd",
    arity: -5,
    flags: "write denyoom fast",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RW update"),
    handler: xadd,
  }),
  stream({
    name: "xsetid",
    arity: -3,
    flags: "write denyoom fast",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RW update"),
    handler: xsetid,
  }),
  stream({
    name: "xdel",
    arity: -3,
    flags: "write fast",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RW delete"),
    handler: xdel,
  }),
  stream({
    name: "xtrim",
    arity: -4,
    flags: "write",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RW delete"),
    handler: xtrim,
  }),
  stream({
    name: "xlen",
    arity: 2,
    flags: "readonly fast",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RO"),
    handler: xlen,
  }),
  stream({
    name: "xrange",
    arity: -4,
    flags: "readonly",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RO access"),
    handler: xrange,
  }),
  stream({
    name: "xrevrange",
    arity: -4,
    flags: "readonly",
    since: "5.0.0",
    complexity: "",
    summary: "",
    keys: keys("RO access"),
    handler: xrevrange,
  }),
];
