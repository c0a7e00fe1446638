/** What is told of a key that came, went or changed, here or in another database. */
import type { Db } from "../../keyspace/db.js";
import type { Call } from "../../server/call.js";

/** The database that argument `i` names, or undefined: it names none, which was replied. */
export function databaseAt(call: Call, i: number, notInteger?: string): Db | undefined {
  const id = int32At(call, i, notInteger);
  if (id === undefined) return undefined;
  const db = call.server.keyspace.dbs[id];
  if (db === undefined) call.reply.error("ERR DB index is out of range");
  return db;
}

/** Argument `i` as a 32-bit integer, or undefined: it is none, which was replied. */
export function int32At(call: Call, i: number, message?: string): number | undefined {
  const value = call.args.integer(i);
  if (value !== undefined && BigInt.asIntN(32, value) === value) return Number(value);
  const range = "ERR value is out of range, value must between -2147483648 and 2147483647";
  call.reply.error(message ?? (value === undefined ? "ERR value is not an integer or out of range" : range));
  return undefined;
}

/** The key that argument `i` is was changed in `db`. */
export function changedIn(call: Call, db: Db, i: number): void {
  const { args } = call;
  db.changed(args.bytes, args.at(i), args.length(i));
}

export function notifyIn(call: Call, db: Db, i: number, kind: string, event: string): void {
  const { notifications } = call.server;
  if (notifications.isOn) notifications.notify(kind, event, call.args.text(i), db.id);
}

/** The key that argument `i` is was made in `db`: who waits for it may be served. */
export function made(call: Call, db: Db, i: number): void {
  const { blocking } = call.server;
  if (blocking.count !== 0) blocking.signal(db, call.args.text(i));
}
