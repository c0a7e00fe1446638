/** Several keys at once: MGET, MSET, MSETNX. */
import { Type } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { replyString } from "./get.js";
import { setString } from "./set.js";

export function mget(call: Call): void {
  const { args, db, reply } = call;
  reply.array(args.count - 1);
  for (let i = 1; i < args.count; i++) {
    const ref = db.lookup(args.bytes, args.at(i), args.length(i));
    replyString(call, ref !== 0 && db.typeOf(ref) === Type.STRING ? ref : 0);
  }
}

export function mset(call: Call): void {
  if (isPaired(call)) {
    setAll(call);
    call.reply.ok();
  }
}

export function msetnx(call: Call): void {
  const { args, db, reply } = call;
  if (!isPaired(call)) return;
  for (let i = 1; i < args.count; i += 2) {
    if (db.lookupWrite(args.bytes, args.at(i), args.length(i)) !== 0) return reply.integer(0);
  }
  setAll(call);
  reply.integer(1);
}

function isPaired({ args, command, reply }: Call): boolean {
  if (args.count % 2 === 1) return true;
  reply.error(`ERR wrong number of arguments for '${command.fullName}' command`);
  return false;
}

function setAll(call: Call): void {
  const { args, db } = call;
  for (let i = 1; i < args.count; i += 2) {
    setString(db, args, i, args.bytes, args.at(i + 1), args.length(i + 1));
    call.changed(i, "$", "set");
  }
}
