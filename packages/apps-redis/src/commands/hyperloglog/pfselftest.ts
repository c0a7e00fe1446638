/** PFSELFTEST: what the command finds out about itself, on a keyspace of its own. It takes a second or two, as it does in Redis. */
import { Keyspace } from "../../keyspace/keyspace.js";
import type { Call } from "../../server/call.js";
import { DENSE_BYTES, denseRegister, REGISTERS, writeDenseRegister } from "./dense.js";
import { count, hashElement, register } from "./hash.js";
import { addSketch, Sketch } from "./sketch.js";

const CYCLES = 1000;
const ELEMENTS = 10_000_000;
/** Of the estimate; six times of it is never seen. */
const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);

export function pfselftest(call: Call): void {
  const failure = registersFail() ?? estimatesFail(call.server.config.hllSparseMaxBytes);
  if (failure === undefined) call.reply.ok();
  else call.reply.error(`ERR TESTFAILED ${failure}`);
}

/** Registers keep what they are given, and are not in each other's way. */
function registersFail(): string | undefined {
  const bytes = new Uint8Array(DENSE_BYTES);
  const expected = new Uint8Array(REGISTERS);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    for (let n = 0; n < REGISTERS; n++) {
      expected[n] = Math.random() * 64;
      writeDenseRegister(bytes, 0, n, expected[n]);
    }
    for (let n = 0; n < REGISTERS; n++) {
      const found = denseRegister(bytes, 0, n);
      if (found !== expected[n]) return `Register ${n} should be ${expected[n]} but is ${found}`;
    }
  }
  return undefined;
}

/** Estimates of one that is dense from the start, and of one that becomes so: they agree, and are not far off. */
function estimatesFail(mostSparse: number): string | undefined {
  const [db] = new Keyspace(1).dbs;
  const dense = new Sketch().open(db, addSketch(db, Buffer.from("dense"), 0, 5));
  dense.toDense();
  const sparse = new Sketch().open(db, addSketch(db, Buffer.from("sparse"), 0, 6));
  const element = new Int32Array(2);
  const bytes = new Uint8Array(element.buffer);
  const seed = Math.random() * 2 ** 32;
  element[1] = Math.random() * 2 ** 32;
  let checkpoint = 1;
  for (let n = 1; n <= ELEMENTS; n++) {
    element[0] = n ^ seed;
    hashElement(bytes, 0, bytes.length);
    dense.raise(register, count, mostSparse);
    sparse.raise(register, count, mostSparse);
    if (n !== checkpoint) continue;
    if (n < mostSparse / 2 && !sparse.isSparse) return "sparse encoding not used";
    const estimated = dense.count();
    if (estimated !== sparse.count()) return "dense/sparse disagree";
    const wrong = Math.abs(n - Number(estimated));
    // Of ten two may meet in a register, now and then.
    const allowed = n === 10 ? 1 : Math.ceil(STANDARD_ERROR * 6 * n);
    if (wrong > allowed) return `Too big error. card:${n} abserr:${wrong}`;
    checkpoint *= 10;
  }
  return undefined;
}
