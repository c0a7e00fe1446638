/** SADD, SREM and SMOVE. */
import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { SetValue } from "../../values/set.js";
import { createSet, writeSet } from "./lookup.js";

export function sadd(call: Call): void {
  const found = writeSet(call);
  if (found === REFUSED) return;
  const { args, db, reply } = call;
  const set = found ?? createSet(call);
  const limits = call.server.config;
  let added = 0;
  for (let i = 2; i < args.count; i++) if (set.add(args.bytes, args.at(i), args.length(i), limits)) added++;
  if (added !== 0) {
    db.keyspace.dirty += added - 1;
    call.changed(1, "s", "sadd");
  }
  reply.integer(added);
}

export function srem(call: Call): void {
  const set = writeSet(call);
  if (set === REFUSED) return;
  const { args, db, reply } = call;
  let removed = 0;
  let isEmpty = false;
  for (let i = 2; set !== undefined && !isEmpty && i < args.count; i++) {
    if (!set.remove(args.bytes, args.at(i), args.length(i))) continue;
    removed++;
    isEmpty = set.size === 0;
  }
  if (removed !== 0) {
    db.keyspace.dirty += removed - 1;
    call.changed(1, "s", "srem");
    if (isEmpty) call.removeKey(db.find(args.bytes, args.at(1), args.length(1)), 1);
  }
  reply.integer(removed);
}

export function smove(call: Call): void {
  const { args, db, reply } = call;
  const { bytes } = args;
  const source = db.lookupWrite(bytes, args.at(1), args.length(1));
  const target = db.lookupWrite(bytes, args.at(2), args.length(2));
  if (source === 0) return reply.integer(0);
  if (db.typeOf(source) !== Type.SET || (target !== 0 && db.typeOf(target) !== Type.SET)) {
    call.wrongType();
    return;
  }
  const at = args.at(3);
  const length = args.length(3);
  const from = new SetValue().open(db, source);
  if (source === target) return reply.integer(from.has(bytes, at, length) ? 1 : 0);
  db.heap.insist();
  if (!from.remove(bytes, at, length)) return reply.integer(0);
  call.changed(1, "s", "srem");
  if (from.size === 0) call.removeKey(source, 1);
  const to = target === 0 ? createSet(call, 2) : new SetValue().open(db, target);
  if (to.add(bytes, at, length, call.server.config)) call.changed(2, "s", "sadd");
  reply.integer(1);
}
