/** HSET, HMSET, HSETNX and HDEL. */
import { type Call, REFUSED } from "../../server/call.js";
import { writeHash, writeOrCreateHash } from "./lookup.js";

export function hset(call: Call): void {
  const created = setFields(call);
  if (created !== REFUSED) call.reply.integer(created);
}

export function hmset(call: Call): void {
  if (setFields(call) !== REFUSED) call.reply.ok();
}

export function hsetnx(call: Call): void {
  const hash = writeOrCreateHash(call);
  if (hash === REFUSED) return;
  const { args, reply } = call;
  const { bytes } = args;
  if (hash.find(bytes, args.at(2), args.length(2))) return reply.integer(0);
  hash.set(bytes, args.at(2), args.length(2), bytes, args.at(3), args.length(3), call.server.config);
  call.changed(1, "h", "hset");
  reply.integer(1);
}

export function hdel(call: Call): void {
  const hash = writeHash(call);
  if (hash === REFUSED) return;
  const { args, db, reply } = call;
  let deleted = 0;
  let isEmpty = false;
  for (let i = 2; hash !== undefined && !isEmpty && i < args.count; i++) {
    if (!hash.delete(args.bytes, args.at(i), args.length(i))) continue;
    deleted++;
    isEmpty = hash.size === 0;
  }
  if (deleted !== 0) {
    db.keyspace.dirty += deleted - 1;
    call.changed(1, "h", "hdel");
    if (isEmpty) call.removeKey(db.find(args.bytes, args.at(1), args.length(1)), 1);
  }
  reply.integer(deleted);
}

/** How many are new. */
function setFields(call: Call): number {
  const { args, command } = call;
  if (args.count % 2 === 1) {
    call.reply.error(`ERR wrong number of arguments for '${command.fullName}' command`);
    return REFUSED;
  }
  const hash = writeOrCreateHash(call);
  if (hash === REFUSED) return REFUSED;
  const { bytes } = args;
  const limits = call.server.config;
  let created = 0;
  for (let i = 2; i < args.count; i += 2) {
    if (hash.set(bytes, args.at(i), args.length(i), bytes, args.at(i + 1), args.length(i + 1), limits)) created++;
  }
  call.db.keyspace.dirty += (args.count - 2) / 2 - 1;
  call.changed(1, "h", "hset");
  return created;
}
