import { type Call, REFUSED } from "../../server/call.js";
import type { HashValue } from "../../values/hash.js";
import { drawDifferent, FEW_TIMES, randomCount, replyDraws, shuffleFront } from "../random.js";
import { readHash } from "./lookup.js";

/** Twice as many do not fit into a count of RESP2. */
const MOST_PAIRS = (2n ** 63n - 1n) / 2n;

export function hrandfield(call: Call): void {
  const { args, reply } = call;
  if (args.count === 2) return oneField(call);
  const count = randomCount(call, 2);
  if (count === undefined) return;
  const withValues = args.count === 4 && args.is(3, "withvalues");
  if (args.count > 3 && !withValues) return call.syntaxError();
  if (withValues && (count < -MOST_PAIRS || count > MOST_PAIRS)) return reply.error("ERR value is out of range");
  const hash = readHash(call);
  if (hash === REFUSED) return;
  if (hash === undefined || count === 0n) return reply.array(0);
  if (count < 0n) repeated(call, hash, -count, withValues);
  else different(call, hash, count, withValues);
}

function oneField(call: Call): void {
  const hash = readHash(call);
  if (hash === REFUSED) return;
  if (hash === undefined) return call.reply.null();
  hash.show(drawer(hash)());
  call.reply.bulk(hash.field.bytes, hash.field.at, hash.field.length);
}

/** What draws a pair at a time. */
function drawer(hash: HashValue): () => number {
  const { table } = hash;
  if (table !== undefined) return () => table.dict.fairRandom();
  const pairs = hash.pairs();
  return () => pairs[Math.floor(Math.random() * pairs.length)];
}

function repeated(call: Call, hash: HashValue, count: bigint, withValues: boolean): void {
  const draw = drawer(hash);
  replyDraws(
    call,
    count,
    (wanted) => replyHead(call, wanted, withValues),
    () => replyPair(call, hash, draw(), withValues),
  );
}

function different(call: Call, hash: HashValue, count: bigint, withValues: boolean): void {
  const { size, table } = hash;
  const wanted = count < BigInt(size) ? Number(count) : size;
  replyHead(call, wanted, withValues);
  if (table !== undefined && wanted * FEW_TIMES <= size) {
    for (const ref of drawDifferent(wanted, () => table.dict.fairRandom())) replyPair(call, hash, ref, withValues);
    return;
  }
  const pairs = hash.pairs();
  if (wanted < size) shuffleFront(pairs, wanted);
  for (let i = 0; i < wanted; i++) replyPair(call, hash, pairs[i], withValues);
}

/** In RESP3 each field and its value are an array of their own. */
function replyHead({ reply }: Call, pairs: number, withValues: boolean): void {
  reply.array(withValues && reply.resp === 2 ? pairs * 2 : pairs);
}

function replyPair({ reply }: Call, hash: HashValue, pair: number, withValues: boolean): void {
  hash.show(pair);
  const { field, value } = hash;
  if (withValues && reply.resp === 3) reply.array(2);
  reply.bulk(field.bytes, field.at, field.length);
  if (withValues) reply.bulk(value.bytes, value.at, value.length);
}
