/** What reads a hash: HGET, HMGET, HEXISTS, HLEN, HSTRLEN, HGETALL, HKEYS, HVALS. */
import { type Call, REFUSED } from "../../server/call.js";
import type { HashValue } from "../../values/hash.js";
import { readHash } from "./lookup.js";

export function hget(call: Call): void {
  const hash = readHash(call);
  if (hash !== REFUSED) replyField(call, hash, 2);
}

export function hmget(call: Call): void {
  const hash = readHash(call);
  if (hash === REFUSED) return;
  const { count } = call.args;
  call.reply.array(count - 2);
  for (let i = 2; i < count; i++) replyField(call, hash, i);
}

export function hexists(call: Call): void {
  const hash = readHash(call);
  if (hash !== REFUSED) call.reply.integer(has(call, hash) ? 1 : 0);
}

export function hlen(call: Call): void {
  const hash = readHash(call);
  if (hash !== REFUSED) call.reply.integer(hash === undefined ? 0 : hash.size);
}

export function hstrlen(call: Call): void {
  const hash = readHash(call);
  if (hash !== REFUSED) call.reply.integer(hash !== undefined && has(call, hash) ? hash.value.length : 0);
}

export function hgetall(call: Call): void {
  const hash = readHash(call);
  if (hash === REFUSED) return;
  const { reply } = call;
  reply.map(hash?.size ?? 0);
  hash?.each((field, value) => {
    reply.bulk(field.bytes, field.at, field.length);
    reply.bulk(value.bytes, value.at, value.length);
  });
}

export function hkeys(call: Call): void {
  const hash = readHash(call);
  if (hash === REFUSED) return;
  const { reply } = call;
  reply.array(hash?.size ?? 0);
  hash?.each((field) => reply.bulk(field.bytes, field.at, field.length));
}

export function hvals(call: Call): void {
  const hash = readHash(call);
  if (hash === REFUSED) return;
  const { reply } = call;
  reply.array(hash?.size ?? 0);
  hash?.each((_, value) => reply.bulk(value.bytes, value.at, value.length));
}

function has({ args }: Call, hash: HashValue | undefined): boolean {
  return hash?.find(args.bytes, args.at(2), args.length(2)) ?? false;
}

/** The value of the field that argument `i` is. */
function replyField({ args, reply }: Call, hash: HashValue | undefined, i: number): void {
  if (hash === undefined || !hash.find(args.bytes, args.at(i), args.length(i))) return reply.null();
  const { value } = hash;
  reply.bulk(value.bytes, value.at, value.length);
}
