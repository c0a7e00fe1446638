import type { Call } from "../../server/call.js";
import { type CommandSpec, keys } from "../command.js";

/** DEL and UNLINK do the same: what is large is freed later, bit by bit, by either. */
function del(call: Call): void {
  const { args, db, reply } = call;
  let deleted = 0;
  for (let i = 1; i < args.count; i++) {
    const ref = db.find(args.bytes, args.at(i), args.length(i));
    if (ref === 0) continue;
    db.delete(ref);
    call.changed(i, "g", "del");
    deleted++;
  }
  reply.integer(deleted);
}

function flushdb(call: Call): void {
  if (!hasFlushOption(call)) return;
  const { db, reply } = call;
  call.server.keyspace.dirty += db.size;
  call.server.keyspace.onEmptied(db);
  db.clear();
  call.server.propagation.force();
  reply.ok();
}

function flushall(call: Call): void {
  if (!hasFlushOption(call)) return;
  const { keyspace } = call.server;
  for (const db of keyspace.dbs) {
    keyspace.dirty += db.size;
    keyspace.onEmptied(db);
    db.clear();
  }
  call.server.rdb.afterFlush();
  call.server.propagation.force();
  call.reply.ok();
}

/** Both are served alike: the keys are gone at once, their memory is freed bit by bit. */
function hasFlushOption(call: Call): boolean {
  const { args } = call;
  if (args.count === 1 || (args.count === 2 && (args.is(1, "sync") || args.is(1, "async")))) return true;
  call.syntaxError();
  return false;
}

export const deleteCommands: readonly CommandSpec[] = [
  {
    name: "del",
    arity: -2,
    flags: "write",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(N) for N keys; O(M) more for a value of M elements",
    summary: "Deletes keys.",
    keys: keys("RM delete", 1, -1),
    hints: "request_policy:multi_shard response_policy:agg_sum",
    handler: del,
  },
  {
    name: "unlink",
    arity: -2,
    flags: "write fast",
    categories: "keyspace",
    group: "generic",
    since: "4.0.0",
    complexity: "O(1) for each key; a value of M elements is freed in O(M) later",
    summary: "Deletes keys; the memory of large values is freed later.",
    keys: keys("RM delete", 1, -1),
    hints: "request_policy:multi_shard response_policy:agg_sum",
    handler: del,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: "write",
    categories: "keyspace dangerous",
    group: "server",
    since: "1.0.0",
    complexity: "O(1); N keys are freed in O(N) later",
    summary: "Deletes all keys of the selected database.",
    hints: "request_policy:all_shards response_policy:all_succeeded",
    handler: flushdb,
  },
  {
    name: "flushall",
    arity: -1,
    flags: "write",
    categories: "keyspace dangerous",
    group: "server",
    since: "1.0.0",
    complexity: "O(1) for each database; N keys are freed in O(N) later",
    summary: "Deletes all keys of all databases.",
    hints: "request_policy:all_shards response_policy:all_succeeded",
    handler: flushall,
  },
];
