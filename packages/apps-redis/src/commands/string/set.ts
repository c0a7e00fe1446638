/** SET, and what is short for it with options: SETNX, SETEX, PSETEX, GETSET. */
import type { Db } from "../../keyspace/db.js";
import { Encoding, type EncodingValue, Type } from "../../keyspace/types.js";
import { copyBytes } from "../../memory/bytes.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { writeLatin1 } from "../../memory/latin1.js";
import { type Integer, parseInteger } from "../../numbers/integers.js";
import type { Args } from "../../protocol/args.js";
import { type Call, REFUSED } from "../../server/call.js";
import { expiryTime, Option, options } from "./expiry.js";
import { replyString } from "./get.js";

/** Longest string whose encoding is told as embstr. */
const LONGEST_EMBEDDED = 44;
/** Instead of the time when a key expires: never; when it did before. */
export const NO_EXPIRY = -1;
export const KEEP_EXPIRY = 0;

export function set(call: Call): void {
  if (call.args.count === 3) {
    store(call, 2, NO_EXPIRY);
    return call.reply.ok();
  }
  if (!options.parse(call, 3, true)) return;
  let expiry: Integer = options.has(Option.KEEPTTL) ? KEEP_EXPIRY : NO_EXPIRY;
  if (options.time !== 0) {
    expiry = expiryTime(call, options.time, options.flags);
    if (expiry === 0) return;
  }
  const gets = options.has(Option.GET);
  if (gets) {
    const ref = call.read(1, Type.STRING);
    if (ref === REFUSED) return;
    replyString(call, ref);
  }
  if (options.has(Option.NX | Option.XX) && isThere(call) !== options.has(Option.XX)) {
    if (!gets) call.reply.null();
    return;
  }
  store(call, 2, expiry);
  if (gets && expiry <= 0) tellWithoutGet(call);
  if (!gets) call.reply.ok();
}

export function setnx(call: Call): void {
  if (isThere(call)) return call.reply.integer(0);
  store(call, 2, NO_EXPIRY);
  call.reply.integer(1);
}

export function setex(call: Call): void {
  setWithExpiry(call, Option.EX);
}

export function psetex(call: Call): void {
  setWithExpiry(call, Option.PX);
}

export function getset(call: Call): void {
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  replyString(call, ref);
  store(call, 2, NO_EXPIRY);
  const { propagation } = call.server;
  if (propagation.isOn) propagation.insteadOf(call.db.id, 3).text("SET").argument(call.args, 1, 3);
}

function setWithExpiry(call: Call, flag: number): void {
  const expiry = expiryTime(call, 2, flag);
  if (expiry === 0) return;
  store(call, 3, expiry);
  call.reply.ok();
}

function isThere({ args, db }: Call): boolean {
  return db.lookupWrite(args.bytes, args.at(1), args.length(1)) !== 0;
}

/** Sets the first argument to argument `value`. */
function store(call: Call, value: number, expiry: Integer): void {
  const { args, db } = call;
  setString(db, args, 1, args.bytes, args.at(value), args.length(value), expiry);
  call.changed(1, "$", "set");
  if (expiry <= 0) return;
  call.notify("g", "expire", 1);
  const { propagation } = call.server;
  if (!propagation.isOn) return;
  const told = propagation.insteadOf(db.id, 5).text("SET").argument(args, 1).argument(args, value);
  told.text("PXAT").integer(expiry);
}

/** GET may be said several times. */
function tellWithoutGet({ args, db, server }: Call): void {
  if (!server.propagation.isOn) return;
  const words: number[] = [];
  for (let i = 0; i < args.count; i++) if (i < 3 || !args.is(i, "get")) words.push(i);
  const told = server.propagation.insteadOf(db.id, words.length);
  for (const i of words) told.argument(args, i);
}

/**
 * Sets the key that argument `i` is to a string, whatever it held. `expiry`: milliseconds since 1970, NO_EXPIRY or KEEP_EXPIRY. Returns its
 * record.
 */
export function setString(
  db: Db,
  args: Args,
  i: number,
  from: Uint8Array,
  at: number,
  length: number,
  expiry: Integer = NO_EXPIRY,
): Ref {
  const ref = setLength(db, args, i, length, encodingFor(from, at, length), expiry);
  copyBytes(from, at, length, db.heap.bytes[chunkOf(ref)], db.stringAt(ref));
  return ref;
}

/** As setString(), with anything in the bytes: they are the caller's to write. */
export function setLength(
  db: Db,
  args: Args,
  i: number,
  length: number,
  encoding: EncodingValue,
  expiry: Integer = NO_EXPIRY,
): Ref {
  const key = args.at(i);
  const keyLength = args.length(i);
  const ref = db.lookupWrite(args.bytes, key, keyLength);
  if (ref === 0) return db.addString(args.bytes, key, keyLength, length, encoding, expiry || NO_EXPIRY);
  const had = db.exactExpiryOf(ref);
  const wanted = expiry === KEEP_EXPIRY ? had : expiry;
  if (db.typeOf(ref) === Type.STRING && (had === NO_EXPIRY) === (wanted === NO_EXPIRY)) {
    const now = db.setStringLength(ref, length);
    db.setEncoding(now, encoding);
    if (expiry > 0) db.setExpiry(now, expiry);
    return now;
  }
  // Its record has another form. The key is the same, though: so is how often it was used. Without memory for the new one the old one stays.
  db.replacing();
  const added = db.addString(args.bytes, key, keyLength, length, encoding, wanted);
  db.setClock(added, db.clockOf(ref));
  db.delete(ref);
  return added;
}

/** As setString(), of latin1 text, which stays text even if it is an integer. */
export function setText(db: Db, args: Args, i: number, text: string, expiry: Integer = NO_EXPIRY): Ref {
  const encoding = text.length <= LONGEST_EMBEDDED ? Encoding.EMBSTR : Encoding.RAW;
  const ref = setLength(db, args, i, text.length, encoding, expiry);
  writeLatin1(db.heap.bytes[chunkOf(ref)], db.stringAt(ref), text);
  return ref;
}

export function encodingFor(bytes: Uint8Array, at: number, length: number): EncodingValue {
  if (parseInteger(bytes, at, length) !== undefined) return Encoding.INT;
  return length <= LONGEST_EMBEDDED ? Encoding.EMBSTR : Encoding.RAW;
}
