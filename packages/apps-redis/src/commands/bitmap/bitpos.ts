import { Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import type { Integer } from "../../numbers/integers.js";
import { type Call, REFUSED } from "../../server/call.js";
import { findBit, firstBit } from "./bits.js";
import { countsBits, range, setRange } from "./range.js";

export function bitpos(call: Call): void {
  const { args, db, reply } = call;
  const bit = call.long(2);
  if (bit === undefined) return;
  if (bit !== 0 && bit !== 1) return reply.error("ERR The bit argument must be 1 or 0.");
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.integer(bit === 1 ? -1 : 0);
  if (args.count > 6) return call.syntaxError();
  const first = args.count > 3 ? call.long(3) : 0;
  if (first === undefined) return;
  const inBits = args.count === 6 ? countsBits(call, 5) : false;
  if (inBits === undefined) return;
  const last: Integer | undefined = args.count > 4 ? call.long(4) : -1;
  if (last === undefined) return;
  const length = db.stringLength(ref);
  setRange(first, last, inBits, length);
  if (range.last < range.first) return reply.integer(-1);
  const found = findInRange(call, ref, bit);
  // Behind a string there are zeros, unless an end was given.
  reply.integer(found < 0 && bit === 0 && args.count <= 4 ? length * 8 : found);
}

function findInRange({ db }: Call, ref: Ref, bit: number): number {
  const { first, last } = range;
  const bytes = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref);
  let from = Math.floor(first / 8);
  const to = Math.floor(last / 8);
  if ((first & 7) !== 0) {
    // Those before it are made what is not looked for.
    const before = ~(0xff >> (first & 7)) & 0xff;
    const place = from * 8 + firstBit(bit === 1 ? bytes[at + from] & ~before : bytes[at + from] | before, bit);
    if (place <= last && place < (from + 1) * 8) return place;
    from++;
  }
  if (from > to) return -1;
  const found = findBit(bytes, db.heap.words[chunkOf(ref)], at + from, to - from + 1, bit);
  return found < 0 || from * 8 + found > last ? -1 : from * 8 + found;
}
