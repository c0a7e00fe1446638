import type { Db } from "../../keyspace/db.js";
import type { Args } from "../../protocol/args.js";
import { type Call, NO_SUCH_KEY } from "../../server/call.js";
import { copyOfValue } from "../../values/value-copy.js";
import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { changedIn, databaseAt, int32At, made, notifyIn } from "./key-event.js";

const SAME = "ERR source and destination objects are the same";

const rename = (call: Call): void => renameKey(call, false);
const renamenx = (call: Call): void => renameKey(call, true);

function renameKey(call: Call, onlyNew: boolean): void {
  const { args, db, reply } = call;
  const ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.error(NO_SUCH_KEY);
  if (!isSame(args)) {
    const there = db.lookupWrite(args.bytes, args.at(2), args.length(2));
    if (there !== 0 && onlyNew) return reply.integer(0);
    db.moveTo(db, ref, args.bytes, args.at(2), args.length(2));
    // Only now: without memory for its name nothing is renamed.
    if (there !== 0) db.delete(there);
    made(call, db, 2);
    call.changed(1, "g", "rename_from");
    call.changed(2, "g", "rename_to");
  } else if (onlyNew) {
    return reply.integer(0);
  }
  if (onlyNew) reply.integer(1);
  else reply.ok();
}

function move(call: Call): void {
  const { args, db, reply } = call;
  const target = databaseAt(call, 2);
  if (target === undefined) return;
  if (target === db) return reply.error(SAME);
  const ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  if (ref === 0 || target.lookupWrite(args.bytes, args.at(1), args.length(1)) !== 0) return reply.integer(0);
  db.moveTo(target, ref, args.bytes, args.at(1), args.length(1));
  made(call, target, 1);
  call.changed(1, "g", "move_from");
  changedIn(call, target, 1);
  notifyIn(call, target, 1, "g", "move_to");
  reply.integer(1);
}

function copy(call: Call): void {
  const { args, db, reply } = call;
  let target: Db = db;
  let replaces = false;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "replace")) {
      replaces = true;
    } else if (args.is(i, "db") && i + 1 < args.count) {
      const named = databaseAt(call, ++i);
      if (named === undefined) return;
      target = named;
    } else {
      return call.syntaxError();
    }
  }
  if (target === db && isSame(args)) return reply.error(SAME);
  const ref = db.lookup(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.integer(0);
  const there = target.lookupWrite(args.bytes, args.at(2), args.length(2));
  if (there !== 0 && !replaces) return reply.integer(0);
  const value = copyOfValue(db, ref);
  db.copyTo(target, ref, args.bytes, args.at(2), args.length(2), value);
  if (there !== 0) target.delete(there);
  made(call, target, 2);
  changedIn(call, target, 2);
  notifyIn(call, target, 2, "g", "copy_to");
  reply.integer(1);
}

/** Whether source and destination have the same name. */
function isSame(args: Args): boolean {
  const length = args.length(1);
  if (length !== args.length(2)) return false;
  for (let i = 0; i < length; i++) if (args.bytes[args.at(1) + i] !== args.bytes[args.at(2) + i]) return false;
  return true;
}

function swapdb(call: Call): void {
  const first = int32At(call, 1, "ERR invalid first DB index");
  if (first === undefined) return;
  const second = int32At(call, 2, "ERR invalid second DB index");
  if (second === undefined) return;
  const { dbs } = call.server.keyspace;
  const a = dbs[first];
  const b = dbs[second];
  if (a === undefined || b === undefined) return call.reply.error("ERR DB index is out of range");
  if (a !== b) {
    const { blocking, keyspace } = call.server;
    keyspace.onEmptied(a, b);
    keyspace.onEmptied(b, a);
    a.swapWith(b);
    blocking.signalAll(a);
    blocking.signalAll(b);
  }
  call.server.keyspace.dirty++;
  call.reply.ok();
}

function select(call: Call): void {
  const db = databaseAt(call, 1);
  if (db === undefined) return;
  call.client.db = db.id;
  call.reply.ok();
}

const FROM: KeySpec = keys("RW access delete")[0];

export const renameCommands: readonly CommandSpec[] = [
  {
    name: "rename",
    arity: 3,
    flags: "write",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Gives a key's value another key, whatever that held before.",
    keys: [FROM, ...keys("OW update", 2)],
    handler: rename,
  },
  {
    name: "renamenx",
    arity: 3,
    flags: "write fast",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Gives a key's value another key, if that is not there yet.",
    keys: [FROM, ...keys("OW insert", 2)],
    handler: renamenx,
  },
  {
    name: "copy",
    arity: -3,
    flags: "write denyoom",
    categories: "keyspace",
    group: "generic",
    since: "6.2.0",
    complexity: "O(N) for a value of N elements",
    summary: "Copies a key's value to another key, here or in another database.",
    keys: [...keys("RO access"), ...keys("OW update", 2)],
    handler: copy,
  },
  {
    name: "move",
    arity: 3,
    flags: "write fast",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Moves a key to another database, if that has none of the name.",
    keys: keys("RW access update"),
    handler: move,
  },
  {
    name: "swapdb",
    arity: 3,
    flags: "write fast",
    categories: "keyspace dangerous",
    group: "server",
    since: "4.0.0",
    complexity: "O(N) for N clients that watch or wait for keys of both databases",
    summary: "Exchanges two databases.",
    handler: swapdb,
  },
  {
    name: "select",
    arity: 2,
    flags: "loading stale fast",
    categories: "connection",
    group: "connection",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Selects the database that the connection's commands work on.",
    handler: select,
  },
];
