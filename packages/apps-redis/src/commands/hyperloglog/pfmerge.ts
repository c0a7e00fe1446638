import type { Call } from "../../server/call.js";
import { mergedRegisters } from "./pfcount.js";
import { addSketch, CORRUPTED, sketch } from "./sketch.js";
import type { Place } from "./sparse.js";

export function pfmerge(call: Call): void {
  const { args, db, reply, server } = call;
  let becomesDense = false;
  const most = mergedRegisters(call, () => {
    becomesDense = true;
  });
  if (most === undefined) return;
  const ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  sketch.openRaw(db, ref === 0 ? addSketch(db, args.bytes, args.at(1), args.length(1)) : ref);
  // One that is dense makes the target so at once, which would happen sooner or later.
  if (becomesDense && !sketch.toDense()) return reply.error(CORRUPTED);
  const last: Place = { offset: 0, first: 0 };
  for (let register = 0; register < most.length; register++) {
    if (most[register] !== 0) sketch.raise(register, most[register], server.config.hllSparseMaxBytes, last);
  }
  sketch.invalidate();
  call.changed(1, "$", "pfadd");
  reply.ok();
}
