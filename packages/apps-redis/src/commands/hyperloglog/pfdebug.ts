import type { Call } from "../../server/call.js";
import { denseRegister, HEADER_BYTES, REGISTERS } from "./dense.js";
import { CORRUPTED, isSketch, sketch } from "./sketch.js";
import { nextRun, run } from "./sparse.js";

export function pfdebug(call: Call): void {
  const { args, db, reply } = call;
  const ref = db.lookupWrite(args.bytes, args.at(2), args.length(2));
  if (ref === 0) return reply.error("ERR The specified key does not exist");
  if (!isSketch(call, ref)) return;
  sketch.openRaw(db, ref);
  if (args.is(1, "getreg")) getreg(call);
  else if (args.is(1, "decode")) decode(call);
  else if (args.is(1, "encoding")) reply.status(sketch.isSparse ? "sparse" : "dense");
  else if (args.is(1, "todense")) todense(call);
  else reply.error(`ERR Unknown PFDEBUG subcommand '${args.text(1)}'`);
}

function getreg(call: Call): void {
  const { reply } = call;
  if (!becomesDense(call)) return;
  reply.array(REGISTERS);
  for (let n = 0; n < REGISTERS; n++) reply.integer(denseRegister(sketch.bytes, sketch.at + HEADER_BYTES, n));
}

function todense(call: Call): void {
  const { isSparse } = sketch;
  if (becomesDense(call)) call.reply.integer(isSparse ? 1 : 0);
}

/** It is dense now, or an error was replied. */
function becomesDense({ db, reply }: Call): boolean {
  if (!sketch.isSparse) return true;
  if (!sketch.toDense()) {
    reply.error(CORRUPTED);
    return false;
  }
  db.keyspace.dirty++;
  return true;
}

/** The runs: "z:" and "Z:" zeros, "v:" a value and how many registers have it. */
function decode({ reply }: Call): void {
  if (!sketch.isSparse) return reply.error("ERR HLL encoding is not sparse");
  const { bytes, at } = sketch;
  const end = at + sketch.length;
  const runs: string[] = [];
  for (let place = at + HEADER_BYTES; place < end; ) {
    const next = nextRun(bytes, place, end);
    if (run.value !== 0) runs.push(`v:${run.value},${run.length}`);
    else runs.push(`${next - place === 2 ? "Z" : "z"}:${run.length}`);
    place = next;
  }
  reply.text(runs.join(" "));
}
