/** multi: commands that run together, or not at all. */
import { type CommandSpec, keys } from "../command.js";
import { discard, exec, multi, unwatch, watch } from "./transaction.js";

type Spec = Omit<CommandSpec, "name" | "categories" | "group">;

const AT_ONCE = "noscript loading stale fast allow_busy";
const transaction = (name: string, spec: Spec): CommandSpec => ({
  name,
  categories: "transaction",
  group: "transactions",
  ...spec,
});

export const transactionCommands: readonly CommandSpec[] = [
  transaction("multi", {
    arity: 1,
    flags: AT_ONCE,
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Begins a transaction: what follows is queued.",
    handler: multi,
  }),
  transaction("exec", {
    arity: 1,
    flags: "noscript loading stale skip_slowlog",
    since: "1.2.0",
    complexity: "That of the queued commands",
    summary: "Runs the commands that are queued.",
    handler: exec,
  }),
  transaction("discard", {
    arity: 1,
    flags: AT_ONCE,
    since: "2.0.0",
    complexity: "O(N) for N queued commands",
    summary: "Forgets the commands that are queued.",
    handler: discard,
  }),
  transaction("watch", {
    arity: -2,
    flags: AT_ONCE,
    since: "2.2.0",
    complexity: "O(1) for each key",
    summary: "Lets the next EXEC run only if keys are not changed before.",
    keys: keys("RO", 1, -1),
    handler: watch,
  }),
  transaction("unwatch", {
    arity: 1,
    flags: AT_ONCE,
    since: "2.2.0",
    complexity: "O(1)",
    summary: "Forgets the keys that are watched.",
    handler: unwatch,
  }),
];
