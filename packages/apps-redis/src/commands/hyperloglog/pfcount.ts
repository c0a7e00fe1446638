import type { Call } from "../../server/call.js";
import { REGISTERS } from "./dense.js";
import { estimate, newHistogram } from "./estimate.js";
import { CORRUPTED, isSketch, sketch } from "./sketch.js";

export function pfcount(call: Call): void {
  if (call.args.count === 2) countOne(call);
  else countUnion(call);
}

/** Of one the count is kept in its value. */
function countOne(call: Call): void {
  const { args, db, reply } = call;
  const ref = db.lookup(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.integer(0);
  if (!isSketch(call, ref)) return;
  sketch.openRaw(db, ref);
  let elements = sketch.cached;
  if (elements === undefined) {
    elements = sketch.count();
    if (elements === undefined) return reply.error(CORRUPTED);
    sketch.cache(elements);
    call.changed(1);
  }
  reply.integer(elements);
}

function countUnion(call: Call): void {
  const most = mergedRegisters(call);
  if (most === undefined) return;
  const histogram = newHistogram();
  for (let n = 0; n < most.length; n++) histogram[most[n]]++;
  call.reply.integer(estimate(histogram));
}

/** The largest value of each register in all of the keys, a byte each; undefined: one is no HyperLogLog, which was replied. */
export function mergedRegisters(call: Call, hasDense?: () => void): Uint8Array | undefined {
  const { args, db, reply } = call;
  const most = new Uint8Array(REGISTERS);
  for (let i = 1; i < args.count; i++) {
    const ref = db.lookup(args.bytes, args.at(i), args.length(i));
    if (ref === 0) continue;
    if (!isSketch(call, ref)) return undefined;
    if (!sketch.open(db, ref).isSparse) hasDense?.();
    if (sketch.mergeInto(most)) continue;
    reply.error(CORRUPTED);
    return undefined;
  }
  return most;
}
