/** INCR, DECR, INCRBY, DECRBY: a string that is a 64-bit integer. */
import { Encoding, Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { writeLatin1 } from "../../memory/latin1.js";
import { decimalLength, writeDecimal } from "../../numbers/decimal.js";
import { type Integer, parseInteger, shortened } from "../../numbers/integers.js";
import { type Call, NOT_INTEGER, REFUSED } from "../../server/call.js";

const SMALLEST = -(2n ** 63n);

export function incr(call: Call): void {
  add(call, 1);
}

export function decr(call: Call): void {
  add(call, -1);
}

export function incrby(call: Call): void {
  const by = call.long(2);
  if (by !== undefined) add(call, by);
}

export function decrby(call: Call): void {
  const by = call.long(2);
  if (by === undefined) return;
  if (by === SMALLEST) return call.reply.error("ERR decrement would overflow");
  add(call, -by);
}

function add(call: Call, by: Integer): void {
  const { args, db, reply } = call;
  const ref = call.write(1, Type.STRING);
  if (ref === REFUSED) return;
  let had: Integer | undefined = 0;
  if (ref !== 0) {
    had = parseInteger(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), db.stringLength(ref));
    if (had === undefined) return reply.error(NOT_INTEGER);
  }
  const value = sum(had, by);
  if (value === undefined) return reply.error("ERR increment or decrement would overflow");
  const text = typeof value === "number" ? "" : String(value);
  const length = typeof value === "number" ? decimalLength(value) : text.length;
  let now = ref;
  if (ref === 0) {
    now = db.addString(args.bytes, args.at(1), args.length(1), length, Encoding.INT);
  } else {
    now = db.setStringLength(ref, length);
    db.setEncoding(now, Encoding.INT);
  }
  const bytes = db.heap.bytes[chunkOf(now)];
  if (typeof value === "number") writeDecimal(bytes, db.stringAt(now), value, length);
  else writeLatin1(bytes, db.stringAt(now), text);
  call.changed(1, "$", "incrby");
  reply.integer(value);
}

/** The sum, or undefined if 64 bits do not hold it. */
function sum(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const value = a + b;
    if (Number.isSafeInteger(value)) return value;
  }
  const value = BigInt(a) + BigInt(b);
  return BigInt.asIntN(64, value) === value ? shortened(value) : undefined;
}
