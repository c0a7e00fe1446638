/** SUNION, SDIFF, SUNIONSTORE and SDIFFSTORE. */
import type { Call } from "../../server/call.js";
import { SetValue } from "../../values/set.js";
import { readSets } from "./lookup.js";
import { storeSet } from "./store.js";

type Sets = (SetValue | undefined)[];

export const sunion = (call: Call): void => replyResult(call, union);
export const sdiff = (call: Call): void => replyResult(call, difference);
export const sunionstore = (call: Call): void => storeResult(call, union, "sunionstore");
export const sdiffstore = (call: Call): void => storeResult(call, difference, "sdiffstore");

function replyResult(call: Call, operation: (call: Call, sets: Sets) => SetValue): void {
  const sets = readSets(call, 1, call.args.count);
  if (sets === undefined) return;
  const { reply } = call;
  const result = operation(call, sets);
  reply.set(result.size);
  result.each(({ bytes, at, length }) => reply.bulk(bytes, at, length));
  result.free();
}

function storeResult(call: Call, operation: (call: Call, sets: Sets) => SetValue, event: string): void {
  const sets = readSets(call, 2, call.args.count);
  if (sets !== undefined) storeSet(call, operation(call, sets), event);
}

function union(call: Call, sets: Sets): SetValue {
  const result = new SetValue().create(call.db.heap);
  return result.orFree(() => {
    for (const set of sets) addAll(call, result, set);
  });
}

/** What the first set has and no other. What way Redis goes is seen by the encoding of what is stored. */
function difference(call: Call, [first, ...others]: Sets): SetValue {
  const result = new SetValue().create(call.db.heap);
  if (first === undefined || others.some((set) => set?.is(first))) return result;
  const there = others.filter((set) => set !== undefined);
  const { size } = first;
  const asked = (size * (there.length + 1)) / 2;
  const removed = there.reduce((sum, set) => sum + set.size, size);
  return result.orFree(() => {
    if (Math.trunc(asked) <= removed) {
      addMissing(call, result, first, there);
    } else {
      addAll(call, result, first);
      removeAll(result, there);
    }
  });
}

/** Looks each member up in the others, the largest first. */
function addMissing(call: Call, result: SetValue, first: SetValue, others: SetValue[]): void {
  others.sort((a, b) => b.size - a.size);
  first.each(({ bytes, at, length }) => {
    if (others.some((set) => set.has(bytes, at, length))) return;
    result.gather(bytes, at, length, call.server.config);
  });
}

function removeAll(result: SetValue, others: SetValue[]): void {
  for (const set of others) {
    if (result.size === 0) return;
    set.each(({ bytes, at, length }) => result.remove(bytes, at, length));
  }
}

function addAll(call: Call, result: SetValue, set: SetValue | undefined): void {
  set?.each(({ bytes, at, length }) => result.gather(bytes, at, length, call.server.config));
}
