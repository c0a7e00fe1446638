import type { Args } from "../../protocol/args.js";
import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { help } from "../help.js";
import { xadd, xsetid } from "./add.js";
import { xautoclaim, xclaim } from "./claim.js";
import { xdel, xtrim } from "./delete.js";
import { addConsumer, create, destroy, removeConsumer, setId } from "./group.js";
import { consumers, groups, stream as streamInfo } from "./info.js";
import { xack, xpending } from "./pending.js";
import { xlen, xrange, xrevrange } from "./range.js";
import { xread, xreadgroup } from "./read.js";

type Spec = Omit<CommandSpec, "categories" | "group" | "since"> & { since?: string };

const stream = (spec: Spec): CommandSpec => ({ since: "5.0.0", ...spec, categories: "stream", group: "stream" });

/** As XREAD's: the first half of what follows STREAMS. */
const streamKeys = (startFrom: number): readonly KeySpec[] => [
  { flags: "RO access", begin: { keyword: "STREAMS", startFrom }, find: { last: -1, step: 1, limit: 2 } },
];

function readKeys(args: Args): number[] | undefined {
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "block") || args.is(i, "count")) i++;
    else if (args.is(i, "group")) i += 2;
    else if (args.is(i, "streams")) {
      const rest = args.count - 1 - i;
      if (rest === 0 || rest % 2 !== 0) return undefined;
      return Array.from({ length: rest / 2 }, (_, n) => i + 1 + n);
    } else if (!args.is(i, "noack")) return undefined;
  }
  return undefined;
}

const HELP = {
  name: "help",
  arity: 2,
  flags: "loading stale",
  complexity: "O(1)",
};
const NOT_REPEATABLE = "nondeterministic_output";

const GROUP: readonly Spec[] = [
  {
    name: "create",
    arity: -5,
    flags: "write denyoom",
    complexity: "O(1)",
    summary: "Makes a group that reads a stream from an entry on.",
    keys: keys("RW insert", 2),
    handler: create,
  },
  {
    name: "setid",
    arity: -5,
    flags: "write",
    complexity: "O(1)",
    summary: "Sets up to which entry a group has read.",
    keys: keys("RW update", 2),
    handler: setId,
  },
  {
    name: "destroy",
    arity: 4,
    flags: "write",
    complexity: "O(N) for N pending entries",
    summary: "Deletes a group.",
    keys: keys("RW delete", 2),
    handler: destroy,
  },
  {
    name: "createconsumer",
    arity: 5,
    flags: "write denyoom",
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Makes a consumer of a group.",
    keys: keys("RW insert", 2),
    handler: addConsumer,
  },
  {
    name: "delconsumer",
    arity: 5,
    flags: "write",
    complexity: "O(N log(P)) for the consumer's N of the group's P pending entries",
    summary: "Deletes a consumer of a group with what is pending for it.",
    keys: keys("RW delete", 2),
    handler: removeConsumer,
  },
  {
    ...HELP,
    summary: "What XGROUP can do.",
    handler: help(
      "CREATE <key> <groupname> <id|$> [option]",
      "    Create a new consumer group. Options are:",
      "    * MKSTREAM",
      "      Create the empty stream if it does not exist.",
      "    * ENTRIESREAD entries_read",
      "      Set the group's entries_read counter (internal use).",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Create a new consumer in the specified group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Remove the specified consumer.",
      "DESTROY <key> <groupname>",
      "    Remove the specified group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Set the current group ID and entries_read counter.",
    ),
  },
];

const INFO: readonly Spec[] = [
  {
    name: "stream",
    arity: -3,
    flags: "readonly",
    complexity: "O(1); with FULL O(N) for N entries that are told",
    summary: "Tells what a stream is, in full also its entries and groups.",
    keys: keys("RO access", 2),
    handler: streamInfo,
  },
  {
    name: "groups",
    arity: 3,
    flags: "readonly",
    complexity: "O(N) for N groups",
    summary: "Tells the groups of a stream.",
    keys: keys("RO access", 2),
    handler: groups,
  },
  {
    name: "consumers",
    arity: 4,
    flags: "readonly",
    hints: NOT_REPEATABLE,
    complexity: "O(N) for N consumers",
    summary: "Tells the consumers of a group.",
    keys: keys("RO access", 2),
    handler: consumers,
  },
  {
    ...HELP,
    summary: "What XINFO can do.",
    handler: help(
      "CONSUMERS <key> <groupname>",
      "    Show consumers of <groupname>.",
      "GROUPS <key>",
      "    Show the stream consumer groups.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Show information about the stream.",
    ),
  },
];

/** Its subcommands are of the family, the container is not: as COMMAND INFO tells them. */
const container = (name: string, summary: string, all: readonly Spec[]): CommandSpec => ({
  ...stream({ name, arity: -2, flags: "", complexity: "As the subcommand says", summary }),
  categories: "",
  subcommands: all.map(stream),
});

/** t_stream: logs of entries, and groups of consumers that read them. */
export const streamCommands: readonly CommandSpec[] = [
  stream({
    name: "xadd",
    arity: -5,
    flags: "write denyoom fast",
    hints: NOT_REPEATABLE,
    complexity: "O(1); O(N) more for N entries that are trimmed",
    summary: "Adds an entry to a stream's end.",
    keys: keys("RW update"),
    handler: xadd,
  }),
  stream({
    name: "xlen",
    arity: 2,
    flags: "readonly fast",
    complexity: "O(1)",
    summary: "How many entries a stream has.",
    keys: keys("RO"),
    handler: xlen,
  }),
  stream({
    name: "xrange",
    arity: -4,
    flags: "readonly",
    complexity: "O(log(S) + N) for N entries of S that are told",
    summary: "The entries between two ids.",
    keys: keys("RO access"),
    handler: xrange,
  }),
  stream({
    name: "xrevrange",
    arity: -4,
    flags: "readonly",
    complexity: "O(log(S) + N) for N entries of S that are told",
    summary: "The entries between two ids, the last first.",
    keys: keys("RO access"),
    handler: xrevrange,
  }),
  stream({
    name: "xdel",
    arity: -3,
    flags: "write fast",
    complexity: "O(log(S)) for each id, with S entries",
    summary: "Deletes entries.",
    keys: keys("RW delete"),
    handler: xdel,
  }),
  stream({
    name: "xtrim",
    arity: -4,
    flags: "write",
    hints: NOT_REPEATABLE,
    complexity: "O(N) for N entries that go, by whole nodes",
    summary: "Deletes entries from a stream's beginning.",
    keys: keys("RW delete"),
    handler: xtrim,
  }),
  stream({
    name: "xread",
    arity: -4,
    flags: "readonly blocking movablekeys",
    complexity: "O(log(S) + N) for N entries that are told, of each stream of S",
    summary: "The entries of streams behind ids; waits for them if asked to.",
    keys: streamKeys(1),
    keysOf: readKeys,
    handler: xread,
  }),
  stream({
    name: "xreadgroup",
    arity: -7,
    flags: "write blocking movablekeys",
    complexity: "O(log(S) + N log(P)) for N entries that are told, of each stream of S with P pending",
    summary: "Entries that a group has not read, or those that are pending for a consumer; waits for them if asked to.",
    keys: streamKeys(4),
    keysOf: readKeys,
    handler: xreadgroup,
  }),
  container("xgroup", "Groups of consumers.", GROUP),
  stream({
    name: "xack",
    arity: -4,
    flags: "write fast",
    complexity: "O(log(P)) for each id, with P pending",
    summary: "Entries are done with: they are pending no more.",
    keys: keys("RW update"),
    handler: xack,
  }),
  stream({
    name: "xpending",
    arity: -3,
    flags: "readonly",
    hints: NOT_REPEATABLE,
    complexity: "O(log(P) + N) for N that are looked at of P pending",
    summary: "What is pending in a group.",
    keys: keys("RO access"),
    handler: xpending,
  }),
  stream({
    name: "xclaim",
    arity: -6,
    flags: "write fast",
    hints: NOT_REPEATABLE,
    complexity: "O(log(P)) for each id, with P pending",
    summary: "Makes pending entries another consumer's.",
    keys: keys("RW update"),
    handler: xclaim,
  }),
  stream({
    name: "xautoclaim",
    arity: -6,
    flags: "write fast",
    since: "6.2.0",
    hints: NOT_REPEATABLE,
    complexity: "O(N log(P)) for N that are looked at of P pending",
    summary: "Makes entries that have been pending for long another consumer's.",
    keys: keys("RW delete"),
    handler: xautoclaim,
  }),
  stream({
    name: "xsetid",
    arity: -3,
    flags: "write denyoom fast",
    complexity: "O(1)",
    summary: "Sets the id that a stream gave last.",
    keys: keys("RW update"),
    handler: xsetid,
  }),
  container("xinfo", "What streams are.", INFO),
];
