/** One element of a list, and what all of the family need. */
import { type Call, NOT_INTEGER } from "../../server/call.js";
import type { Quicklist } from "../../values/quicklist.js";
import type { QuicklistReader } from "../../values/quicklist-reader.js";
import { addList } from "../../values/stored-list.js";

/** Replies the element at which the list stands. */
export function replyElement({ reply }: Call, list: QuicklistReader): void {
  if (list.isPlain) {
    reply.bulk(list.plainBytes, list.plainStart, list.textSize);
    return;
  }
  const { pack, p } = list;
  if (!pack.isInteger(p)) {
    reply.bulk(pack.bytes, pack.textStart(p), pack.size(p));
    return;
  }
  reply.digits(pack.integer(p));
}

/** Argument `i` as a C long, to the next double where it is beyond 2^53; undefined: it is none, which was replied. */
export function long(call: Call, i: number, error = NOT_INTEGER): number | undefined {
  const value = call.args.safeInteger(i) ?? call.args.integer(i);
  if (value === undefined) call.reply.error(error);
  return value === undefined ? undefined : Number(value);
}

/** As long(), from `least` on. */
export function longFrom(call: Call, i: number, least: number, error: string): number | undefined {
  const value = long(call, i, error);
  if (value === undefined || value >= least) return value;
  call.reply.error(error);
  return undefined;
}

/** Whether argument `i` is LEFT; undefined: it is neither that nor RIGHT, which was replied. */
export function isLeft(call: Call, i: number): boolean | undefined {
  if (call.args.is(i, "left")) return true;
  if (call.args.is(i, "right")) return false;
  call.syntaxError();
  return undefined;
}

/** An element's bytes outside of any list, where a change of one does not reach them: good until the next. */
export const held = { bytes: Buffer.alloc(1024), length: 0 };
const KEPT = 64 * 1024;

export function hold(list: QuicklistReader): void {
  const size = list.textSize;
  if (size > held.bytes.length) held.bytes = Buffer.allocUnsafeSlow(size);
  else if (held.bytes.length > KEPT && size <= KEPT) held.bytes = Buffer.alloc(KEPT);
  held.length = list.copyTo(held.bytes, 0);
}

/** Makes a new list the value of the key that argument `i` is: who waits for one may be served. */
export function makeList(call: Call, i: number, list: Quicklist): void {
  const { args, db } = call;
  const { blocking } = call.server;
  addList(db, args.bytes, args.at(i), args.length(i), list);
  if (blocking.count !== 0) blocking.signal(db, args.text(i));
}
