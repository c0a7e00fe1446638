/** HINCRBY and HINCRBYFLOAT. */
import { writeLatin1 } from "../../memory/latin1.js";
import { type Integer, shortened } from "../../numbers/integers.js";
import { addLongDoubles, formatLongDouble, isInfinite, parseLongDouble } from "../../numbers/long-doubles.js";
import { type Call, NOT_FLOAT, NOT_INTEGER, REFUSED } from "../../server/call.js";
import { Element } from "../../values/element.js";
import type { HashValue } from "../../values/hash.js";
import { createHash, writeHash } from "./lookup.js";

/** The new value. */
const sum = new Element();

export function hincrby(call: Call): void {
  const { args, reply } = call;
  const increment = args.safeInteger(3) ?? args.integer(3);
  if (increment === undefined) return reply.error(NOT_INTEGER);
  const hash = writeHash(call);
  if (hash === REFUSED) return;
  let value: Integer | undefined = 0;
  if (hash?.find(args.bytes, args.at(2), args.length(2))) value = hash.value.integer;
  if (value === undefined) return reply.error("ERR hash value is not an integer");
  const result = added(value, increment);
  if (result === undefined) return reply.error("ERR increment or decrement would overflow");
  put(call, hash, sum.setInteger(result));
  call.changed(1, "h", "hincrby");
  reply.integer(result);
}

export function hincrbyfloat(call: Call): void {
  const { args, reply } = call;
  const increment = parseLongDouble(args.text(3));
  if (increment === undefined) return reply.error(NOT_FLOAT);
  if (isInfinite(increment)) return reply.error("ERR value is NaN or Infinity");
  const hash = writeHash(call);
  if (hash === REFUSED) return;
  const value = parseLongDouble(hash?.find(args.bytes, args.at(2), args.length(2)) ? hash.value.text : "0");
  if (value === undefined) return reply.error("ERR hash value is not a float");
  const result = addLongDoubles(value, increment);
  if (result === undefined) return reply.error("ERR increment would produce NaN or Infinity");
  const text = formatLongDouble(result);
  const bytes = new Uint8Array(text.length);
  writeLatin1(bytes, 0, text);
  put(call, hash, sum.set(bytes, 0, bytes.length));
  call.changed(1, "h", "hincrbyfloat");
  // Elsewhere a sum may come out otherwise.
  const { propagation } = call.server;
  if (propagation.isOn) propagation.insteadOf(call.db.id, 4).text("HSET").argument(args, 1, 3).text(text);
  reply.text(text);
}

/** The sum, unless it is beyond 64 bits. */
function added(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === "number" && typeof b === "number" && Number.isSafeInteger(a + b)) return a + b;
  const exact = BigInt(a) + BigInt(b);
  return BigInt.asIntN(64, exact) === exact ? shortened(exact) : undefined;
}

/** Sets the field that is the second argument. */
function put(call: Call, hash: HashValue | undefined, value: Element): void {
  const { args } = call;
  const { bytes, at, length } = value;
  (hash ?? createHash(call)).set(args.bytes, args.at(2), args.length(2), bytes, at, length, call.server.config);
}
