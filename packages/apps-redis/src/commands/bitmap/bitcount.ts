import { Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { bitsOf, countBits } from "./bits.js";
import { countsBits, range, setRange } from "./range.js";

export function bitcount(call: Call): void {
  const { args, db, reply } = call;
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  if (ref === 0) return reply.integer(0);
  const length = db.stringLength(ref);
  if (args.count === 4 || args.count === 5) {
    const first = call.long(2);
    if (first === undefined) return;
    const last = call.long(3);
    if (last === undefined) return;
    if (first < 0 && last < 0 && first > last) return reply.integer(0);
    const inBits = args.count === 5 ? countsBits(call, 4) : false;
    if (inBits === undefined) return;
    setRange(first, last, inBits, length);
  } else if (args.count === 2) {
    setRange(0, -1, false, length);
  } else {
    return call.syntaxError();
  }
  const { first, last } = range;
  if (last < first) return reply.integer(0);
  const bytes = db.heap.bytes[chunkOf(ref)];
  const begin = db.stringAt(ref) + Math.floor(first / 8);
  const end = db.stringAt(ref) + Math.floor(last / 8);
  const outside = bitsOf(bytes[begin] & ~(0xff >> (first & 7))) + bitsOf(bytes[end] & (0x7f >> (last & 7)));
  reply.integer(countBits(bytes, db.heap.words[chunkOf(ref)], begin, end - begin + 1) - outside);
}
