import { type CommandSpec, keys } from "../command.js";
import { get } from "./get.js";
import { set } from "./set.js";

/** t_string: values that are one string of bytes. */
export const stringCommands: readonly CommandSpec[] = [
  {
    name: "get",
    arity: 2,
    flags: "readonly fast",
    categories: "string",
    group: "string",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "The string that a key holds.",
    keys: keys("RO access"),
    handler: get,
  },
  {
    name: "set",
    arity: -3,
    flags: "write denyoom",
    categories: "string",
    group: "string",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Sets the string that a key holds, whatever it held before.",
    keys: keys("OW update"),
    handler: set,
  },
];
