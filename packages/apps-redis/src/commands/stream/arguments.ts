/** What the arguments of stream commands are: ids, counts, and the streams and groups that they name. */
import { Encoding, Type } from "../../keyspace/types.js";
import { type Integer, parseInteger } from "../../numbers/integers.js";
import { type Call, NOT_INTEGER, REFUSED } from "../../server/call.js";
import { Stream } from "../../values/stream.js";
import type { StreamGroup } from "../../values/stream-group.js";
import { FIRST, LAST, StreamId } from "../../values/stream-id.js";

export { FIRST, LAST };

/** Longer arguments are no ids. */
const LONGEST_ID = 127;

/** Reads an id; false: it is none, and nothing was replied. "-" and "+" are the smallest and the largest, unless it is `strict`. */
export function readId(
  call: Call,
  i: number,
  into: StreamId,
  strict = true,
  sequence: 0 | typeof LAST = FIRST,
): boolean {
  if (call.args.length(i) > LONGEST_ID) return false;
  return parseId(shown(call, i), into, strict, sequence, false);
}

/** As readId(), replying why not. */
export function id(call: Call, i: number, into = new StreamId(), strict = true): StreamId | undefined {
  return readId(call, i, into, strict) ? into : invalidId(call);
}

/** As id(), of XADD: its sequence may be left open. */
export function newId(call: Call, i: number): StreamId | undefined {
  const into = new StreamId();
  if (call.args.length(i) > LONGEST_ID) return invalidId(call);
  return parseId(shown(call, i), into, true, FIRST, true) ? into : invalidId(call);
}

/** The first id of a range, or the last: "(" before it leaves it out. Undefined: it is none, which was replied. */
export function bound(call: Call, i: number, isEnd: boolean): StreamId | undefined {
  const into = new StreamId();
  const text = shown(call, i);
  const isOpen = call.args.length(i) > 1 && text[0] === "(";
  if (call.args.length(i) - (isOpen ? 1 : 0) > LONGEST_ID) return invalidId(call);
  if (!parseId(isOpen ? text.slice(1) : text, into, isOpen, isEnd ? LAST : FIRST, false)) return invalidId(call);
  if (!isOpen || (isEnd ? into.decrement() : into.increment())) return into;
  call.reply.error(`ERR invalid ${isEnd ? "end" : "start"} ID for the interval`);
  return undefined;
}

/** All arguments from `from` on as ids; undefined: one is none, which was replied. */
export function ids(call: Call, from: number): StreamId[] | undefined {
  const all: StreamId[] = [];
  for (let i = from; i < call.args.count; i++) {
    const one = id(call, i);
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

function parseId(text: string, into: StreamId, strict: boolean, sequence: 0 | typeof LAST, isOpen: boolean): boolean {
  if (text !== "-" && text !== "+") return into.parse(text, sequence, isOpen);
  if (strict) return false;
  if (text === "-") into.setZero();
  else into.setLargest();
  return true;
}

function invalidId(call: Call): undefined {
  call.reply.error("ERR Invalid stream ID specified as stream command argument");
  return undefined;
}

/** A 64-bit integer; undefined: it is none, which was replied. */
export function long(call: Call, i: number, error = NOT_INTEGER): Integer | undefined {
  const { args, reply } = call;
  const value = parseInteger(args.bytes, args.at(i), args.length(i));
  if (value === undefined) reply.error(error.startsWith("ERR ") ? error : `ERR ${error}`);
  return value;
}

/** As long(), where all beyond 2^53 are the same. */
export function count(call: Call, i: number, error = NOT_INTEGER): number | undefined {
  const value = long(call, i, error);
  return value === undefined ? undefined : Number(value);
}

/** The argument as errors tell it: C takes a zero for its end. */
export function shown(call: Call, i: number): string {
  const text = call.args.text(i);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The stream of a key that is read. Undefined: there is none; null: it is of another type, which was replied. */
export function readStream(call: Call, i: number): Stream | undefined | null {
  const ref = call.read(i, Type.STREAM);
  return ref === REFUSED ? null : ref === 0 ? undefined : call.db.object<Stream>(ref);
}

/** As readStream(), of one that is changed. */
export function writeStream(call: Call, i: number): Stream | undefined | null {
  const ref = call.write(i, Type.STREAM);
  return ref === REFUSED ? null : ref === 0 ? undefined : call.db.object<Stream>(ref);
}

/** A new stream for a key that is not there. */
export function addStream(call: Call, i: number): Stream {
  const { args, db } = call;
  const made = new Stream(db.heap);
  db.addObject(args.bytes, args.at(i), args.length(i), Type.STREAM, Encoding.STREAM, made);
  return made;
}

/** A stream and its group, which have to be there. Undefined: they are not, which was replied. */
export function streamAndGroup(call: Call): { stream: Stream; group: StreamGroup } | undefined {
  const stream = readStream(call, 1);
  if (stream === null) return undefined;
  const group = stream?.groups.get(call.args.text(2));
  if (stream !== undefined && group !== undefined) return { stream, group };
  call.reply.error(`NOGROUP No such key '${shown(call, 1)}' or consumer group '${shown(call, 2)}'`);
  return undefined;
}

/** Of a container command: an error of what follows the subcommand. */
export function subcommandSyntaxError(call: Call): void {
  const name = (call.command.container ?? call.command).name.toUpperCase();
  const tried = shown(call, 1).slice(0, 128);
  call.reply.error(`ERR unknown subcommand or wrong number of arguments for '${tried}'. Try ${name} HELP.`);
}
