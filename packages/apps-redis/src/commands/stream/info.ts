import type { Integer } from "../../numbers/integers.js";
import type { Reply } from "../../protocol/reply.js";
import { type Call, NO_SUCH_KEY } from "../../server/call.js";
import { LARGEST, type Stream, ZERO } from "../../values/stream.js";
import { type StreamConsumer, type StreamGroup, UNKNOWN_READ } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { NONE, type StreamIndex } from "../../values/stream-index.js";
import { deliveriesOf, minus, notNegative, timeOf } from "../../values/stream-pending.js";
import { count, readStream, subcommandSyntaxError } from "./arguments.js";
import { noGroup } from "./group.js";
import { replyEdge, replyRange } from "./reply.js";

const KEY = 2;
/** Entries of FULL, and of each list of pending ones. */
const USUAL_COUNT = 10;

export function stream(call: Call): void {
  const { args, reply } = call;
  const found = existing(call);
  if (found === undefined) return;
  if (args.count === 3) {
    reply.map(10);
    head(reply, found);
    pair(reply, "groups", found.groups.size);
    reply.text("first-entry");
    replyEdge(reply, found, ZERO, LARGEST, false);
    reply.text("last-entry");
    replyEdge(reply, found, ZERO, LARGEST, true);
    return;
  }
  if ((args.count !== 4 && args.count !== 6) || !args.is(3, "full")) return subcommandSyntaxError(call);
  let most: number | undefined = USUAL_COUNT;
  if (args.count === 6) {
    if (!args.is(4, "count")) return subcommandSyntaxError(call);
    most = count(call, 5);
    if (most === undefined) return;
    if (most < 0) most = USUAL_COUNT;
  }
  full(call, found, most);
}

export function groups(call: Call): void {
  const { reply } = call;
  const found = existing(call);
  if (found === undefined) return;
  reply.array(found.groups.size);
  for (const [name, group] of found.groups.entries()) {
    reply.map(6);
    reply.text("name");
    reply.text(name);
    pair(reply, "consumers", group.consumers.size);
    pair(reply, "pending", group.pending.size);
    progress(reply, found, group);
  }
}

export function consumers(call: Call): void {
  const { args, db, reply } = call;
  const found = existing(call);
  if (found === undefined) return;
  const group = found.groups.get(args.text(3));
  if (group === undefined) return noGroup(call);
  reply.array(group.consumers.size);
  for (const [name, consumer] of group.consumers.entries()) {
    const idle = minus(db.keyspace.now(), consumer.seen);
    reply.map(3);
    reply.text("name");
    reply.text(name);
    pair(reply, "pending", consumer.pending.size);
    pair(reply, "idle", notNegative(idle));
  }
}

/** What a stream is, in seven pairs. */
function head(reply: Reply, found: Stream): void {
  pair(reply, "length", found.length);
  pair(reply, "radix-tree-keys", found.nodes.size);
  pair(reply, "radix-tree-nodes", found.radixNodes);
  reply.text("last-generated-id");
  reply.text(found.lastId.text);
  reply.text("max-deleted-entry-id");
  reply.text(found.maxDeletedId.text);
  pair(reply, "entries-added", found.entriesAdded);
  reply.text("recorded-first-entry-id");
  reply.text(found.firstId.text);
}

/** Up to where a group has read, in three pairs. */
function progress(reply: Reply, found: Stream, group: StreamGroup): void {
  reply.text("last-delivered-id");
  reply.text(group.lastId.text);
  pair(reply, "entries-read", group.entriesRead === UNKNOWN_READ ? undefined : group.entriesRead);
  pair(reply, "lag", lagOf(found, group));
}

/** Entries that the group has not read; undefined: nobody knows. */
function lagOf(found: Stream, group: StreamGroup): Integer | undefined {
  if (found.entriesAdded === 0) return 0;
  if (group.entriesRead !== UNKNOWN_READ && !found.hasGapsFrom(group.lastId))
    return minus(found.entriesAdded, group.entriesRead);
  const read = found.distanceOf(group.lastId);
  return read === UNKNOWN_READ ? undefined : minus(found.entriesAdded, read);
}

function full({ db, reply }: Call, found: Stream, most: number): void {
  reply.map(9);
  head(reply, found);
  reply.text("entries");
  replyRange(reply, found, ZERO, LARGEST, most);
  reply.text("groups");
  reply.array(found.groups.size);
  for (const [name, group] of found.groups.entries()) {
    reply.map(7);
    reply.text("name");
    reply.text(name);
    progress(reply, found, group);
    pair(reply, "pel-count", group.pending.size);
    const { heap } = db;
    pendingOf(reply, group.pending, most, 4, (ref) => {
      reply.text(group.ownerOf(ref)?.name ?? "");
      reply.integer(timeOf(heap, ref));
      reply.integer(deliveriesOf(heap, ref));
    });
    reply.text("consumers");
    reply.array(group.consumers.size);
    for (const [, consumer] of group.consumers.entries()) {
      fullConsumer(reply, consumer);
      pendingOf(reply, consumer.pending, most, 3, (ref) => {
        reply.integer(timeOf(heap, ref));
        reply.integer(deliveriesOf(heap, ref));
      });
    }
  }
}

function fullConsumer(reply: Reply, { name, pending, seen }: StreamConsumer): void {
  reply.map(4);
  reply.text("name");
  reply.text(name);
  pair(reply, "seen-time", seen);
  pair(reply, "pel-count", pending.size);
}

/** Writes arrays of `width`, the id first. */
function pendingOf(reply: Reply, pending: StreamIndex, most: number, width: number, rest: (ref: number) => void): void {
  reply.text("pending");
  reply.array(most === 0 ? pending.size : Math.min(most, pending.size));
  let written = 0;
  for (let at = pending.first(); at !== NONE && (most === 0 || written < most); at = pending.next(at)) {
    reply.array(width);
    reply.text(pending.idAt(at, current).text);
    rest(pending.refAt(at));
    written++;
  }
}

function pair(reply: Reply, name: string, value: Integer | undefined): void {
  reply.text(name);
  if (value === undefined) reply.null();
  else reply.integer(value);
}

/** Undefined: there is none, which was replied. */
function existing(call: Call): Stream | undefined {
  const found = readStream(call, KEY);
  if (found === undefined) call.reply.error(NO_SUCH_KEY);
  return found ?? undefined;
}

const current = new StreamId();
