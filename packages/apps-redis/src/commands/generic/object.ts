import { ENCODING_NAMES, Encoding } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { parseInteger } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";
import { type CommandSpec, keys } from "../command.js";

/** Redis shares one object among all values that are an integer from 0 to 9999, and tells this for it. */
const SHARED_INTEGERS = 10000;
const SHARED = 0x7fffffff;

const POLICY_CHANGES =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
const IS_LFU = `ERR An LFU maxmemory policy is selected, idle time not tracked. ${POLICY_CHANGES}`;
const IS_NO_LFU = `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${POLICY_CHANGES}`;

/** The record of the key, looked at without using it; 0: there is none, which was replied. */
function looked(call: Call): Ref {
  const { args, db, reply } = call;
  const ref = db.peek(args.bytes, args.at(2), args.length(2));
  if (ref === 0) reply.null();
  return ref;
}

function encoding(call: Call): void {
  const ref = looked(call);
  if (ref !== 0) call.reply.text(ENCODING_NAMES[call.db.encodingOf(ref)]);
}

function refcount(call: Call): void {
  const ref = looked(call);
  if (ref === 0) return;
  const { db, reply, server } = call;
  if (db.encodingOf(ref) !== Encoding.INT || server.evictor.wantsClocks) return reply.integer(1);
  const value = parseInteger(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), db.stringLength(ref));
  reply.integer(value !== undefined && value >= 0 && value < SHARED_INTEGERS ? SHARED : 1);
}

function idletime(call: Call): void {
  const ref = looked(call);
  if (ref === 0) return;
  const { db, reply, server } = call;
  if (server.evictor.isLfu) reply.error(IS_LFU);
  else reply.integer(server.evictor.idleSeconds(db.clockOf(ref)));
}

function freq(call: Call): void {
  const ref = looked(call);
  if (ref === 0) return;
  const { db, reply, server } = call;
  if (server.evictor.isLfu) reply.integer(server.evictor.frequency(db.clockOf(ref)));
  else reply.error(IS_NO_LFU);
}

function help(call: Call): void {
  const lines = [
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    How the value of <key> is held.",
    "FREQ <key>",
    "    How often <key> was used of late, on a scale that grows as the logarithm.",
    "IDLETIME <key>",
    "    For how many seconds <key> has not been used.",
    "REFCOUNT <key>",
    "    How many refer to the value of <key>.",
    "HELP",
    "    Prints this help.",
  ];
  call.reply.array(lines.length);
  for (const line of lines) call.reply.status(line);
}

const ofKey = (name: string, since: string, summary: string, handler: (call: Call) => void): CommandSpec => ({
  name,
  arity: 3,
  flags: "readonly",
  categories: "keyspace",
  group: "generic",
  since,
  complexity: "O(1)",
  summary,
  keys: keys("RO", 2),
  hints: "nondeterministic_output",
  handler,
});

export const objectCommands: readonly CommandSpec[] = [
  {
    name: "object",
    arity: -2,
    flags: "",
    categories: "",
    group: "generic",
    since: "2.2.3",
    complexity: "As the subcommand says",
    summary: "How a key's value is held and used.",
    subcommands: [
      ofKey("encoding", "2.2.3", "How a key's value is held.", encoding),
      ofKey("freq", "4.0.0", "How often a key was used of late, by the logarithm.", freq),
      ofKey("idletime", "2.2.3", "For how many seconds a key was not used.", idletime),
      ofKey("refcount", "2.2.3", "How many refer to a key's value.", refcount),
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        categories: "keyspace",
        group: "generic",
        since: "6.2.0",
        complexity: "O(1)",
        summary: "The subcommands.",
        handler: help,
      },
    ],
  },
];
