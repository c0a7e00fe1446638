import { TYPE_NAMES } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { type CommandSpec, keys } from "../command.js";

/** Counts as a read, not as a use of the key. */
function exists(call: Call): void {
  const { args, db, reply } = call;
  let count = 0;
  for (let i = 1; i < args.count; i++) if (db.peek(args.bytes, args.at(i), args.length(i)) !== 0) count++;
  reply.integer(count);
}

function touch(call: Call): void {
  const { args, db, reply } = call;
  let count = 0;
  for (let i = 1; i < args.count; i++) if (db.lookup(args.bytes, args.at(i), args.length(i)) !== 0) count++;
  reply.integer(count);
}

function type(call: Call): void {
  const { args, db, reply } = call;
  const ref = db.peek(args.bytes, args.at(1), args.length(1));
  reply.status(ref === 0 ? "none" : TYPE_NAMES[db.typeOf(ref)]);
}

function dbsize(call: Call): void {
  call.reply.integer(call.db.size);
}

function randomkey(call: Call): void {
  const { db, reply } = call;
  call.server.propagation.apart();
  for (;;) {
    const ref = db.dict.random();
    if (ref === 0) return reply.null();
    if (!db.isExpired(ref)) return reply.text(db.key(ref));
    db.expire(ref);
  }
}

export const existsCommands: readonly CommandSpec[] = [
  {
    name: "exists",
    arity: -2,
    flags: "readonly fast",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(N) for N keys",
    summary: "How many of the keys are there; one that is named twice counts twice.",
    keys: keys("RO", 1, -1),
    hints: "request_policy:multi_shard response_policy:agg_sum",
    handler: exists,
  },
  {
    name: "touch",
    arity: -2,
    flags: "readonly fast",
    categories: "keyspace",
    group: "generic",
    since: "3.2.1",
    complexity: "O(N) for N keys",
    summary: "How many of the keys are there; their time of last use is now.",
    keys: keys("RO", 1, -1),
    hints: "request_policy:multi_shard response_policy:agg_sum",
    handler: touch,
  },
  {
    name: "type",
    arity: 2,
    flags: "readonly fast",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "The type of a key's value, or none.",
    keys: keys("RO"),
    handler: type,
  },
  {
    name: "dbsize",
    arity: 1,
    flags: "readonly fast",
    categories: "keyspace",
    group: "server",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "How many keys the selected database has.",
    hints: "request_policy:all_shards response_policy:agg_sum",
    handler: dbsize,
  },
  {
    name: "randomkey",
    arity: 1,
    flags: "readonly",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "A random key of the selected database.",
    hints: "request_policy:all_shards nondeterministic_output",
    handler: randomkey,
  },
];
