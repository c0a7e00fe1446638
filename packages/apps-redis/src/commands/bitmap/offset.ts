/** Arguments that are the place of a bit, and strings that are to have one there. */
import { Type } from "../../keyspace/types.js";
import { parseInteger } from "../../numbers/integers.js";
import { type Call, REFUSED } from "../../server/call.js";
import { addZeros, grown, LONGEST_STRING } from "../string/raw.js";

const HASH = 35;

/** The place that argument `i` is, in bits; "#n" counts in fields of `width` bits, if that is given. -1: it is none, which was replied. */
export function bitOffset(call: Call, i: number, width = 0): number {
  const { args, client, reply, server } = call;
  const longest = client.isObeyed ? LONGEST_STRING : Math.min(server.config.protoMaxBulkLen, LONGEST_STRING);
  const counts = width > 0 && args.length(i) > 0 && args.bytes[args.at(i)] === HASH ? 1 : 0;
  const given = parseInteger(args.bytes, args.at(i) + counts, args.length(i) - counts);
  if (given !== undefined) {
    // As 64 bits hold it, which may be anything.
    const offset = counts === 0 ? Number(given) : Number(BigInt.asIntN(64, BigInt(given) * BigInt(width)));
    if (offset >= 0 && offset / 8 < longest) return offset;
  }
  reply.error("ERR bit offset is not an integer or out of range");
  return -1;
}

/** What {@link withBit} has done to the string: it was made, or is longer. */
export let hasGrown = false;

/** The string that the first argument names, raw and so long that it has the bit; or REFUSED, which was replied. */
export function withBit(call: Call, bit: number): number {
  const length = Math.floor(bit / 8) + 1;
  const ref = call.write(1, Type.STRING);
  if (ref === REFUSED) return REFUSED;
  hasGrown = ref === 0 || call.db.stringLength(ref) < length;
  return ref === 0 ? addZeros(call, 1, length) : grown(call, ref, length);
}
