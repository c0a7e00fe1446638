/** What reads a set: SISMEMBER, SMISMEMBER, SCARD, SMEMBERS. */
import { type Call, REFUSED } from "../../server/call.js";
import { readSet } from "./lookup.js";

export function sismember(call: Call): void {
  const set = readSet(call);
  if (set === REFUSED) return;
  const { args } = call;
  call.reply.integer(set?.has(args.bytes, args.at(2), args.length(2)) ? 1 : 0);
}

export function smismember(call: Call): void {
  const set = readSet(call);
  if (set === REFUSED) return;
  const { args, reply } = call;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) reply.integer(set?.has(args.bytes, args.at(i), args.length(i)) ? 1 : 0);
}

export function scard(call: Call): void {
  const set = readSet(call);
  if (set !== REFUSED) call.reply.integer(set === undefined ? 0 : set.size);
}

export function smembers(call: Call): void {
  const set = readSet(call);
  if (set === REFUSED) return;
  const { reply } = call;
  reply.set(set?.size ?? 0);
  set?.each(({ bytes, at, length }) => reply.bulk(bytes, at, length));
}
