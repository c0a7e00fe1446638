import type { Call } from "../../server/call.js";
import type { StreamConsumer, StreamGroup } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { NONE } from "../../values/stream-index.js";
import { deliveriesOf, minus, notNegative, timeOf } from "../../values/stream-pending.js";
import { bound, count, ids, long, readStream, streamAndGroup } from "./arguments.js";

export function xack(call: Call): void {
  const stream = readStream(call, 1);
  if (stream === null) return;
  const group = stream?.groups.get(call.args.text(2));
  if (group === undefined) return call.reply.integer(0);
  const all = ids(call, 3);
  if (all === undefined) return;
  let acknowledged = 0;
  for (const id of all) if (group.acknowledge(id)) acknowledged++;
  call.db.keyspace.dirty += acknowledged;
  call.reply.integer(acknowledged);
}

/** XPENDING key group [[IDLE milliseconds] start end count [consumer]] */
export function xpending(call: Call): void {
  const { args } = call;
  if (args.count === 3) return summary(call);
  if (args.count < 6 || args.count > 9) return call.syntaxError();
  let from = 3;
  let idle: ReturnType<typeof long> = 0;
  if (args.is(3, "idle")) {
    idle = long(call, 4);
    if (idle === undefined) return;
    if (args.count < 8) return call.syntaxError();
    from = 5;
  }
  const most = count(call, from + 2);
  if (most === undefined) return;
  const start = bound(call, from, false);
  if (start === undefined) return;
  const end = bound(call, from + 1, true);
  if (end === undefined) return;
  const found = streamAndGroup(call);
  if (found === undefined) return;
  let consumer: StreamConsumer | undefined;
  if (from + 3 < args.count) {
    consumer = found.group.consumers.get(args.text(from + 3));
    if (consumer === undefined) return call.reply.array(0);
  }
  list(call, found.group, consumer, start, end, most, idle);
}

/** How many are pending, from which id to which, and how many of each consumer. */
function summary(call: Call): void {
  const { reply } = call;
  const found = streamAndGroup(call);
  if (found === undefined) return;
  const { consumers, pending } = found.group;
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  reply.text(pending.idAt(pending.first(), current).text);
  reply.text(pending.idAt(pending.last(), current).text);
  const all = consumers.entries().filter(([, consumer]) => consumer.pending.size !== 0);
  reply.array(all.length);
  for (const [name, consumer] of all) {
    reply.array(2);
    reply.text(name);
    reply.text(String(consumer.pending.size));
  }
}

function list(
  call: Call,
  group: StreamGroup,
  consumer: StreamConsumer | undefined,
  start: StreamId,
  end: StreamId,
  most: number,
  idle: number | bigint,
): void {
  const { reply } = call;
  const { heap, keyspace } = call.db;
  const { pending } = consumer ?? group;
  const mark = reply.mark();
  let written = 0;
  for (let at = pending.atOrAfter(start); at !== NONE && written < most; at = pending.next(at)) {
    if (pending.idAt(at, current).compare(end) > 0) break;
    const ref = pending.refAt(at);
    const elapsed = minus(keyspace.now(), timeOf(heap, ref));
    if (idle !== 0 && elapsed < idle) continue;
    reply.array(4);
    reply.text(current.text);
    reply.text(group.ownerOf(ref)?.name ?? "");
    reply.integer(notNegative(elapsed));
    reply.integer(deliveriesOf(heap, ref));
    written++;
  }
  reply.insert(mark, (head) => head.array(written));
}

const current = new StreamId();
