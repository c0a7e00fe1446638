/** Parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE. */
import { Type } from "../../keyspace/types.js";
import { copyBytes } from "../../memory/bytes.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { addZeros, grown, mayBeLong } from "./raw.js";
import { setString } from "./set.js";

export function append(call: Call): void {
  const { args, db, reply } = call;
  const ref = call.write(1, Type.STRING);
  if (ref === REFUSED) return;
  let length = args.length(2);
  if (ref === 0) {
    setString(db, args, 1, args.bytes, args.at(2), length);
  } else {
    const had = db.stringLength(ref);
    length += had;
    if (!mayBeLong(call, length)) return;
    put(call, grown(call, ref, length), had, 2);
  }
  call.changed(1, "$", "append");
  reply.integer(length);
}

export function strlen(call: Call): void {
  const ref = call.read(1, Type.STRING);
  if (ref !== REFUSED) call.reply.integer(ref === 0 ? 0 : call.db.stringLength(ref));
}

export function setrange(call: Call): void {
  const { args, db, reply } = call;
  const given = call.long(2);
  if (given === undefined) return;
  if (given < 0) return reply.error("ERR offset is out of range");
  const offset = Number(given);
  let ref = call.write(1, Type.STRING);
  if (ref === REFUSED) return;
  const length = args.length(3);
  if (length === 0) return reply.integer(ref === 0 ? 0 : db.stringLength(ref));
  if (!mayBeLong(call, offset + length)) return;
  ref = ref === 0 ? addZeros(call, 1, offset + length) : grown(call, ref, offset + length);
  put(call, ref, offset, 3);
  call.changed(1, "$", "setrange");
  reply.integer(db.stringLength(ref));
}

/** Argument `i` into the string from `offset` on. */
function put({ args, db }: Call, ref: Ref, offset: number, i: number): void {
  copyBytes(args.bytes, args.at(i), args.length(i), db.heap.bytes[chunkOf(ref)], db.stringAt(ref) + offset);
}

export function getrange(call: Call): void {
  const { db, reply } = call;
  const first = call.long(2);
  if (first === undefined) return;
  const last = call.long(3);
  if (last === undefined) return;
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  const length = ref === 0 ? 0 : db.stringLength(ref);
  // Both before the beginning, in the wrong order: the bounds below would make the first byte of it.
  if (length === 0 || (first < 0 && last < 0 && first > last)) return reply.text("");
  const begin = bounded(Number(first), length);
  const end = Math.min(bounded(Number(last), length), length - 1);
  if (begin > end) return reply.text("");
  reply.bulk(db.heap.bytes[chunkOf(ref)], db.stringAt(ref) + begin, end - begin + 1);
}

/** An index, of which negative ones count from the end. */
const bounded = (index: number, length: number): number => Math.max(index < 0 ? length + index : index, 0);
