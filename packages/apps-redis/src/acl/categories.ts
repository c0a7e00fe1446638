/** Categories of commands, in the order in which they are told: those a command's data has, and those that follow from its flags. */
import type { Command } from "../commands/command.js";

export const CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

const known = new WeakMap<Command, readonly string[]>();

export function categoriesOf(command: Command): readonly string[] {
  const had = known.get(command);
  if (had !== undefined) return had;
  const all = compute(command);
  known.set(command, all);
  return all;
}

function compute(command: Command): string[] {
  const { flags } = command;
  const has = new Set(command.spec.categories.split(" "));
  if (flags.has("write")) has.add("write");
  if (flags.has("readonly") && !has.has("scripting")) has.add("read");
  if (flags.has("admin")) has.add("admin").add("dangerous");
  if (flags.has("pubsub")) has.add("pubsub");
  if (flags.has("blocking")) has.add("blocking");
  has.add(flags.has("fast") ? "fast" : "slow");
  return CATEGORIES.filter((category) => has.has(category));
}
