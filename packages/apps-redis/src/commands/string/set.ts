import type { Db } from "../../keyspace/db.js";
import { Encoding, type EncodingValue, Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import type { Args } from "../../protocol/args.js";
import type { Call } from "../../server/call.js";

/** Longest string whose encoding is told as embstr. */
const LONGEST_EMBEDDED = 44;

export function set(call: Call): void {
  const { args, db, reply } = call;
  if (args.count > 3) return call.syntaxError();
  setString(db, args, 1, args.bytes, args.at(2), args.length(2));
  call.changed(1, "$", "set");
  reply.ok();
}

/** Sets the key that argument `i` is to a string; it does not expire any more. Returns its record. */
export function setString(db: Db, args: Args, i: number, from: Uint8Array, at: number, length: number): Ref {
  let ref = db.lookupWrite(args.bytes, args.at(i), args.length(i));
  const encoding = encodingFor(from, at, length);
  if (ref !== 0 && (db.typeOf(ref) !== Type.STRING || db.expiryOf(ref) !== -1)) {
    db.delete(ref);
    ref = 0;
  }
  if (ref === 0) {
    ref = db.addString(args.bytes, args.at(i), args.length(i), length, encoding);
  } else {
    ref = db.setStringLength(ref, length);
    db.setEncoding(ref, encoding);
  }
  const target = db.heap.bytes[chunkOf(ref)];
  const to = db.stringAt(ref);
  if (length > 64) target.set(from.subarray(at, at + length), to);
  else for (let n = 0; n < length; n++) target[to + n] = from[at + n];
  return ref;
}

export function encodingFor(bytes: Uint8Array, at: number, length: number): EncodingValue {
  if (length <= 20 && isInteger(bytes, at, length)) return Encoding.INT;
  return length <= LONGEST_EMBEDDED ? Encoding.EMBSTR : Encoding.RAW;
}

/** Redis's rule (string2ll): a 64-bit integer as it would be printed. */
function isInteger(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 0) return false;
  let n = at;
  const end = at + length;
  if (bytes[n] === 45) n++;
  if (n === end || (bytes[n] === 48 && length !== 1)) return false;
  for (let i = n; i < end; i++) if (bytes[i] < 48 || bytes[i] > 57) return false;
  if (end - n < 19) return true;
  if (end - n > 19) return false;
  const value = BigInt(Buffer.from(bytes.subarray(at, end)).toString("latin1"));
  return BigInt.asIntN(64, value) === value;
}
