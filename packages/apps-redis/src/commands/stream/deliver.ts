/** What a consumer of a group reads. */
import type { Ref } from "../../memory/heap.js";
import type { Call } from "../../server/call.js";
import { LARGEST, type Stream } from "../../values/stream.js";
import { type StreamConsumer, type StreamGroup, UNKNOWN_READ } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { NONE } from "../../values/stream-index.js";
import { StreamIterator } from "../../values/stream-iterator.js";
import { createPending, deliveriesOf, plus, setDeliveries, setTime } from "../../values/stream-pending.js";
import { type GroupName, tellClaimed, tellConsumer, tellGroupId } from "./propagate.js";
import { replyEntry } from "./reply.js";

/** The consumer of this name, who was seen now; made if there is none. `i`: the argument that is the key. */
export function consumerFor(call: Call, group: StreamGroup, name: string, i: number): StreamConsumer {
  const now = call.db.keyspace.now();
  const found = group.consumers.get(name);
  if (found === undefined) return createConsumer(call, group, name, i);
  found.seen = now;
  return found;
}

export function createConsumer(call: Call, group: StreamGroup, name: string, i: number): StreamConsumer {
  const { keyspace } = call.db;
  keyspace.dirty++;
  call.notify("t", "xgroup-createconsumer", i);
  return group.addConsumer(name, keyspace.now());
}

/** As consumerFor(), of who reads: with `noAck` nothing else tells that there is a new one. */
export function readerFor(call: Call, group: StreamGroup, name: string, of: GroupName, noAck: boolean): StreamConsumer {
  const isNew = group.consumers.get(name) === undefined;
  const consumer = consumerFor(call, group, name, of.key);
  if (isNew && noAck) tellConsumer(call, of, consumer);
  return consumer;
}

/** Writes an array of entries from `start` on, at most `count` (0: all), that are this consumer's from now on: pending, or with `noAck` not. */
export function deliver(
  call: Call,
  stream: Stream,
  of: GroupName,
  group: StreamGroup,
  consumer: StreamConsumer,
  start: StreamId,
  count: number,
  noAck: boolean,
): void {
  const { reply } = call;
  const mark = reply.mark();
  const found = iterator.open(stream, start, LARGEST);
  let written = 0;
  let hasAdvanced = false;
  while (found.next()) {
    // Before it counts as read.
    if (!noAck) call.db.heap.insist();
    if (found.id.compare(group.lastId) > 0) {
      advance(stream, group, found.id);
      hasAdvanced = true;
    }
    found.emit(reply);
    if (!noAck) tellClaimed(call, of, group, consumer, found.id.text, handOut(call, group, consumer, found.id));
    written++;
    if (written === count) break;
  }
  if (noAck && hasAdvanced) tellGroupId(call, of, group);
  reply.insert(mark, (head) => head.array(written));
}

/** The group has read this entry, too. */
function advance(stream: Stream, group: StreamGroup, id: StreamId): void {
  if (group.entriesRead !== UNKNOWN_READ && !stream.hasGapsFrom(id)) group.entriesRead = plus(group.entriesRead, 1);
  else if (stream.entriesAdded !== 0) group.entriesRead = stream.distanceOf(id);
  group.lastId.assign(id);
}

function handOut(call: Call, group: StreamGroup, consumer: StreamConsumer, id: StreamId): Ref {
  const { heap, keyspace } = call.db;
  const pending = group.pending.find(id);
  if (pending === 0) {
    const made = createPending(heap, keyspace.now(), 1, consumer.number);
    group.pending.add(id, made);
    consumer.pending.add(id, made);
    return made;
  }
  // XGROUP SETID went back: it may be somebody else's.
  group.give(id, pending, consumer);
  setTime(heap, pending, keyspace.now());
  setDeliveries(heap, pending, 1);
  return pending;
}

/** Writes an array of the consumer's pending entries from `start` on, at most `count`; null in the place of what was deleted. */
export function deliverAgain(
  call: Call,
  stream: Stream,
  consumer: StreamConsumer,
  start: StreamId,
  count: number,
): void {
  const { reply } = call;
  const { heap, keyspace } = call.db;
  const mark = reply.mark();
  let written = 0;
  const { pending } = consumer;
  for (let at = pending.atOrAfter(start); at !== NONE; at = pending.next(at)) {
    if (count !== 0 && written === count) break;
    pending.idAt(at, current);
    if (replyEntry(reply, stream, current)) {
      const ref = pending.refAt(at);
      setTime(heap, ref, keyspace.now());
      setDeliveries(heap, ref, plus(deliveriesOf(heap, ref), 1));
    } else {
      reply.array(2);
      reply.text(current.text);
      reply.nullArray();
    }
    written++;
  }
  reply.insert(mark, (head) => head.array(written));
}

const iterator = new StreamIterator();
const current = new StreamId();
