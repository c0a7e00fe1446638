import { Type } from "../../keyspace/types.js";
import type { Args } from "../../protocol/args.js";
import { type Call, REFUSED } from "../../server/call.js";
import { LARGEST, type Stream } from "../../values/stream.js";
import type { StreamGroup } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { count as countAt, id, long, shown } from "./arguments.js";
import { deliver, deliverAgain, readerFor } from "./deliver.js";
import { replyRange } from "./reply.js";
import { waitForEntries } from "./wait.js";

/** What XREAD and XREADGROUP are asked for. */
export interface ReadOptions {
  /** Entries of each stream; 0: all. */
  count: number;
  /** Milliseconds to wait, 0 for without end; undefined: not at all. */
  block: number | undefined;
  /** The first key, and how many there are. */
  first: number;
  streams: number;
  /** Names. */
  group: string | undefined;
  consumer: string;
  noAck: boolean;
}

export const xread = (call: Call): void => read(call, false);
export function xreadgroup(call: Call): void {
  // What comes of it is told: it depends on who has read before.
  call.server.propagation.instead(call.db.id);
  read(call, true);
}

function read(call: Call, isGroup: boolean): void {
  const options = readOptions(call, isGroup);
  if (options === undefined) return;
  const { reply } = call;
  const groups: StreamGroup[] = [];
  const ids: StreamId[] = [];
  for (let n = 0; n < options.streams; n++) {
    const asked = readFrom(call, options, n, groups);
    if (asked === undefined) return;
    ids.push(asked);
  }
  const mark = reply.mark();
  let served = 0;
  for (let n = 0; n < options.streams; n++) if (serve(call, options, n, ids[n], groups[n])) served++;
  if (served !== 0) {
    reply.insert(mark, (head) => (head.resp === 3 ? head.map(served) : head.array(served)));
  } else if (options.block === undefined || !call.server.blocking.mayBlock(call.client)) {
    reply.nullArray();
  } else {
    waitForEntries(call, options, options.block, ids);
  }
}

/** Undefined: they are wrong, which was replied. */
function readOptions(call: Call, isGroup: boolean): ReadOptions | undefined {
  const { args, reply } = call;
  const options: ReadOptions = {
    count: 0,
    block: undefined,
    first: 0,
    streams: 0,
    group: undefined,
    consumer: "",
    noAck: false,
  };
  const refuse = (why: string): undefined => {
    reply.error(`ERR ${why}`);
    return undefined;
  };
  for (let i = 1; i < args.count && options.first === 0; i++) {
    const more = args.count - 1 - i;
    if (more > 0 && args.is(i, "block")) {
      if (call.server.outer !== undefined)
        return refuse(`${args.text(0)} command is not allowed with BLOCK option from scripts`);
      const block = long(call, ++i, "timeout is not an integer or out of range");
      if (block === undefined) return undefined;
      if (block < 0) return refuse("timeout is negative");
      options.block = Number(block);
    } else if (more > 0 && args.is(i, "count")) {
      const count = countAt(call, ++i);
      if (count === undefined) return undefined;
      options.count = Math.max(count, 0);
    } else if (more > 0 && args.is(i, "streams")) {
      if (more % 2 !== 0)
        return refuse("Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
      options.first = i + 1;
      options.streams = more / 2;
    } else if (more >= 2 && args.is(i, "group")) {
      if (!isGroup) return refuse("The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
      options.group = args.text(i + 1);
      options.consumer = args.text(i + 2);
      i += 2;
    } else if (args.is(i, "noack")) {
      if (!isGroup) return refuse("The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
      options.noAck = true;
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  if (options.first === 0) {
    call.syntaxError();
    return undefined;
  }
  if (isGroup && options.group === undefined) return refuse("Missing GROUP option for XREADGROUP");
  return options;
}

/** Behind which id stream `n` is read: the largest for what the group has not read yet. Undefined: that is wrong, which was replied. */
function readFrom(call: Call, options: ReadOptions, n: number, groups: StreamGroup[]): StreamId | undefined {
  const { args, db, reply } = call;
  const keyAt = options.first + n;
  const i = keyAt + options.streams;
  const ref = call.read(keyAt, Type.STREAM);
  if (ref === REFUSED) return undefined;
  const stream = ref === 0 ? undefined : db.object<Stream>(ref);
  if (options.group !== undefined) {
    const group = stream?.groups.get(options.group);
    if (group === undefined) {
      const name = options.group.split("\0", 1)[0];
      reply.error(
        `NOGROUP No such key '${shown(call, keyAt)}' or consumer group '${name}' in XREADGROUP with GROUP option`,
      );
      return undefined;
    }
    groups[n] = group;
  }
  if (args.is(i, "$")) {
    if (options.group === undefined) return stream === undefined ? new StreamId() : stream.lastId.copy();
    reply.error(
      "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
    );
    return undefined;
  }
  if (!args.is(i, ">")) return id(call, i);
  if (options.group !== undefined) return LARGEST.copy();
  reply.error("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  return undefined;
}

/** Writes what stream `n` has behind `after`; false: nothing, and nothing was written. */
function serve(call: Call, options: ReadOptions, n: number, after: StreamId, group: StreamGroup | undefined): boolean {
  const { args, db, reply } = call;
  const i = options.first + n;
  const ref = db.find(args.bytes, args.at(i), args.length(i));
  if (ref === 0) return false;
  const stream = db.object<Stream>(ref);
  const isHistory = group !== undefined && !after.isLargest;
  if (!isHistory) {
    if (stream.length === 0) return false;
    if (stream.lastEntry(last).compare(group?.lastId ?? after) <= 0) return false;
  }
  start.assign(isHistory ? after : (group?.lastId ?? after)).increment();
  replyKey(call, args, i);
  if (group === undefined) {
    replyRange(reply, stream, start, LARGEST, options.count);
    return true;
  }
  const of = { key: i, name: options.group as string };
  const consumer = readerFor(call, group, options.consumer, of, options.noAck);
  if (isHistory) deliverAgain(call, stream, consumer, start, options.count);
  else deliver(call, stream, of, group, consumer, start, options.count, options.noAck);
  db.keyspace.dirty++;
  return true;
}

/** The head of one stream's entries. */
export function replyKey({ reply }: Call, args: Args, i: number): void {
  if (reply.resp !== 3) reply.array(2);
  reply.bulk(args.bytes, args.at(i), args.length(i));
}

const start = new StreamId();
const last = new StreamId();
