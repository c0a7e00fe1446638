/** SINTER, SINTERCARD and SINTERSTORE. */
import type { Call } from "../../server/call.js";
import type { Element } from "../../values/element.js";
import { SetValue } from "../../values/set.js";
import { readSets } from "./lookup.js";
import { deleteTarget, storeSet } from "./store.js";

export function sinter(call: Call): void {
  const sets = readSets(call, 1, call.args.count);
  if (sets === undefined) return;
  const { reply } = call;
  const mark = reply.mark();
  let count = 0;
  eachCommon(sets, ({ bytes, at, length }) => {
    reply.bulk(bytes, at, length);
    count++;
    return false;
  });
  reply.insert(mark, (head) => head.set(count));
}

export function sintercard(call: Call): void {
  const { args, reply } = call;
  const keys = args.integer(1);
  if (keys === undefined || keys < 1n) return reply.error("ERR numkeys should be greater than 0");
  if (keys > BigInt(args.count - 2)) return reply.error("ERR Number of keys can't be greater than number of args");
  const end = 2 + Number(keys);
  let limit = 0n;
  for (let i = end; i < args.count; i += 2) {
    if (i + 1 === args.count || !args.is(i, "limit")) return call.syntaxError();
    const given = args.integer(i + 1);
    if (given === undefined || given < 0n) return reply.error("ERR LIMIT can't be negative");
    limit = given;
  }
  const sets = readSets(call, 2, end);
  if (sets === undefined) return;
  const most = Number(limit);
  let count = 0;
  eachCommon(sets, () => ++count === most);
  reply.integer(count);
}

export function sinterstore(call: Call): void {
  const { args, db, reply } = call;
  const sets = readSets(call, 2, args.count);
  if (sets === undefined) return;
  if (sets.includes(undefined)) {
    deleteTarget(call);
    return reply.integer(0);
  }
  const result = new SetValue().create(db.heap);
  result.orFree(() =>
    eachCommon(sets, ({ bytes, at, length }) => {
      result.gather(bytes, at, length, call.server.config);
      return false;
    }),
  );
  storeSet(call, result, "sinterstore");
}

/** Tells members that all sets have, in the order of the smallest, until `found` returns true. */
function eachCommon(sets: (SetValue | undefined)[], found: (member: Element) => boolean): void {
  const all = sets.filter((set) => set !== undefined);
  if (all.length !== sets.length) return;
  const [smallest, ...larger] = all.sort((a, b) => a.size - b.size);
  // A set is not asked while it is told: what it has, it has.
  const others = larger.filter((set) => !set.is(smallest));
  smallest.some((member) => {
    const { bytes, at, length } = member;
    return others.every((set) => set.has(bytes, at, length)) && found(member);
  });
}
