/** Strings that are changed in place: their encoding is raw from then on, whatever is in them. */
import { Encoding } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import type { Call } from "../../server/call.js";

/** A record has room for no more. */
export const LONGEST_STRING = 2 ** 32 - 2 ** 21;
/** Room for what is appended later, at most: as much as there is already, up to this. */
const MOST_SPARE = 1024 * 1024;

/** Whether a string may be so long; if not, that was replied. */
export function mayBeLong(call: Call, length: number): boolean {
  const { protoMaxBulkLen } = call.server.config;
  if (length <= LONGEST_STRING && (length <= protoMaxBulkLen || call.client.isObeyed)) return true;
  call.reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

/** The string with at least `length` bytes, new ones zero. Returns where the record is now. */
export function grown(call: Call, ref: Ref, length: number): Ref {
  const { db } = call;
  const had = db.stringLength(ref);
  let now = ref;
  if (length > had) {
    now = db.setStringLength(ref, length, Math.min(length, MOST_SPARE));
    const at = db.stringAt(now);
    db.heap.bytes[chunkOf(now)].fill(0, at + had, at + length);
  }
  db.setEncoding(now, Encoding.RAW);
  return now;
}

/** A new string of zeros for the key that argument `i` is, which is not there. */
export function addZeros({ args, db }: Call, i: number, length: number): Ref {
  const ref = db.addString(args.bytes, args.at(i), args.length(i), length, Encoding.RAW);
  const at = db.stringAt(ref);
  db.heap.bytes[chunkOf(ref)].fill(0, at, at + length);
  return ref;
}
