import type { Call } from "../../server/call.js";
import { count, hashElement, register } from "./hash.js";
import { addSketch, CORRUPTED, isSketch, sketch } from "./sketch.js";

export function pfadd(call: Call): void {
  const { args, db, reply, server } = call;
  let ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  let updated = 0;
  if (ref === 0) {
    ref = addSketch(db, args.bytes, args.at(1), args.length(1));
    updated++;
  } else if (!isSketch(call, ref)) {
    return;
  }
  sketch.openRaw(db, ref);
  for (let i = 2; i < args.count; i++) {
    hashElement(args.bytes, args.at(i), args.length(i));
    const raised = sketch.raise(register, count, server.config.hllSparseMaxBytes);
    if (raised === undefined) return reply.error(CORRUPTED);
    if (raised) updated++;
  }
  if (updated !== 0) {
    sketch.invalidate();
    call.changed(1, "$", "pfadd");
    db.keyspace.dirty += updated - 1;
  }
  reply.integer(updated !== 0 ? 1 : 0);
}
