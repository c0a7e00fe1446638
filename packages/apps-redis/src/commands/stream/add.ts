import type { Call } from "../../server/call.js";
import type { Stream } from "../../values/stream.js";
import { StreamId } from "../../values/stream-id.js";
import { MOST_BYTES } from "../../values/stream-node.js";
import { trimStream } from "../../values/stream-trim.js";
import { addStream, id, long, writeStream } from "./arguments.js";
import { type AddOptions, addOrTrimOptions, tellTrimmed } from "./trim-options.js";

export function xadd(call: Call): void {
  const { args, db, reply, server } = call;
  const options = addOrTrimOptions(call, true);
  if (options === undefined) return;
  const from = options.idAt + 1;
  const rest = args.count - from;
  if (rest < 2 || rest % 2 === 1) return reply.error("ERR wrong number of arguments for 'xadd' command");
  if (options.id !== undefined && !options.id.lacksSequence && options.id.isZero)
    return reply.error("ERR The ID specified in XADD must be greater than 0-0");
  let stream = writeStream(call, 1);
  if (stream === null) return;
  if (stream === undefined && options.createsNone) return reply.null();
  const bytes = bytesFrom(call, from);
  if (stream?.lastId.isLargest)
    return reply.error("ERR The stream has exhausted the last possible ID, unable to add more items");
  if (!setNextId(next, stream?.lastId, options, db.keyspace.now()))
    return reply.error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
  if (bytes > MOST_BYTES) return reply.error("ERR Elements are too large to be stored");
  if (stream === undefined) {
    stream = addStream(call, 1);
    addFirst(call, stream, from, bytes);
  } else {
    stream.append(next, args, from, bytes, server.config);
  }
  reply.text(next.text);
  call.changed(1, "t", "xadd");
  if (options.trim !== undefined && trimStream(stream, options.trim) !== 0) call.notify("t", "xtrim", 1);
  if (options.id === undefined || options.id.lacksSequence || options.trim?.isApproximate)
    tellTrimmed(call, stream, options, next.text);
  if (server.blocking.count !== 0) server.blocking.signal(db, args.text(1));
}

/** The first entry of a key that is new: without memory for it there is no key. */
function addFirst({ args, db, server }: Call, stream: Stream, from: number, bytes: number): void {
  try {
    stream.append(next, args, from, bytes, server.config);
  } catch (error) {
    db.delete(db.find(args.bytes, args.at(1), args.length(1)));
    throw error;
  }
}

const next = new StreamId();
const NO_ENTRY = new StreamId();

/** False: what was asked for is not larger than the last. */
function setNextId(into: StreamId, last: StreamId = NO_ENTRY, { id: asked }: AddOptions, now: number): boolean {
  if (asked === undefined) {
    into.setMs(now);
    if (into.compare(last) > 0 && !into.hasMs(last)) return true;
    return into.assign(last).increment();
  }
  into.assign(asked);
  if (asked.lacksSequence && asked.hasMs(last)) {
    if (last.hasLargestSequence) return false;
    return into.assign(last).increment();
  }
  return into.compare(last) > 0;
}

function bytesFrom({ args }: Call, from: number): number {
  let bytes = 0;
  for (let i = from; i < args.count; i++) bytes += args.length(i);
  return bytes;
}

export function xsetid(call: Call): void {
  const { args, db, reply } = call;
  const last = id(call, 2);
  if (last === undefined) return;
  let added: ReturnType<typeof long>;
  const maxDeleted = new StreamId();
  for (let i = 3; i < args.count; i += 2) {
    if (i + 1 === args.count) return call.syntaxError();
    if (args.is(i, "entriesadded")) {
      added = long(call, i + 1);
      if (added === undefined) return;
      if (added < 0) return reply.error("ERR entries_added must be positive");
    } else if (args.is(i, "maxdeletedid")) {
      if (id(call, i + 1, maxDeleted) === undefined) return;
      if (last.compare(maxDeleted) < 0)
        return reply.error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
    } else {
      return call.syntaxError();
    }
  }
  const stream = writeStream(call, 1);
  if (stream === null) return;
  if (stream === undefined) return reply.error("ERR no such key");
  if (stream.length > 0) {
    if (last.compare(stream.lastEntry(next)) < 0)
      return reply.error("ERR The ID specified in XSETID is smaller than the target stream top item");
    if (added !== undefined && stream.length > added)
      return reply.error("ERR The entries_added specified in XSETID is smaller than the target stream length");
  }
  stream.lastId.assign(last);
  if (added !== undefined) stream.entriesAdded = added;
  if (!maxDeleted.isZero) stream.maxDeletedId.assign(maxDeleted);
  reply.ok();
  db.keyspace.dirty++;
  call.notify("t", "xsetid", 1);
}
