/** XREAD and XREADGROUP that wait for entries. */
import { Type } from "../../keyspace/types.js";
import type { Wait } from "../../server/blocking.js";
import type { Call } from "../../server/call.js";
import { LARGEST, type Stream } from "../../values/stream.js";
import { StreamId } from "../../values/stream-id.js";
import { deliver, readerFor } from "./deliver.js";
import { type ReadOptions, replyKey } from "./read.js";
import { replyRange } from "./reply.js";

/** Entries of who has waited and said no COUNT. */
const USUAL_COUNT = 1000;

/** `ids`: behind which each stream is read. */
export function waitForEntries(call: Call, options: ReadOptions, milliseconds: number, ids: readonly StreamId[]): void {
  const { client, command, db, server } = call;
  const args = call.args.copy();
  const keys: string[] = [];
  for (let n = 0; n < options.streams; n++) keys.push(args.text(options.first + n));
  if (options.group !== undefined) hearOfRemoval(call);
  server.blocking.block(
    client,
    {
      db: db.id,
      keys,
      args,
      // Who waits in a group is told, too, that there is no stream any more.
      type: options.group === undefined ? Type.STREAM : undefined,
      serve: (key) => {
        call.args = args;
        call.command = command;
        const n = keys.indexOf(key);
        return serve(call, options, options.first + n, ids[n]);
      },
      expire: () => call.reply.nullArray(),
    },
    milliseconds,
  );
}

function serve(call: Call, options: ReadOptions, i: number, asked: StreamId): boolean {
  const { args, db, reply } = call;
  call.server.propagation.instead(db.id);
  const ref = db.find(args.bytes, args.at(i), args.length(i));
  if (ref === 0 || db.typeOf(ref) !== Type.STREAM) {
    if (options.group === undefined) return false;
    reply.error("UNBLOCKED the stream key no longer exists");
    return true;
  }
  const stream = db.object<Stream>(ref);
  const group = options.group === undefined ? undefined : stream.groups.get(options.group);
  if (options.group !== undefined && group === undefined) {
    reply.error("NOGROUP the consumer group this client was blocked on no longer exists");
    return true;
  }
  const after = group?.lastId ?? asked;
  if (stream.lastId.compare(after) <= 0) return false;
  start.assign(after).increment();
  const count = options.count === 0 ? USUAL_COUNT : options.count;
  if (reply.resp === 3) reply.map(1);
  else reply.array(1);
  // Made before the reply, as what it tells by notifications.
  const of = { key: i, name: options.group ?? "" };
  const consumer = group && readerFor(call, group, options.consumer, of, options.noAck);
  replyKey(call, args, i);
  if (group === undefined || consumer === undefined) replyRange(reply, stream, start, LARGEST, count);
  else deliver(call, stream, of, group, consumer, start, count, options.noAck);
  return true;
}

/** Who waits in a group is told when the stream goes. */
function hearOfRemoval({ db, server }: Call): void {
  const { blocking, clients } = server;
  let isScheduled = false;
  db.keyspace.onStreamRemoved ??= (from, key) => {
    if (blocking.count === 0) return;
    // After a command who waits is served anyway; but a stream also expires, while nobody sends one.
    if (!isScheduled) {
      setImmediate(() => {
        isScheduled = false;
        blocking.serveReady();
        server.propagation.flush();
      });
    }
    isScheduled = true;
    if (key !== undefined) return blocking.signal(from, key);
    for (const { blocked } of clients.values()) {
      const wait = blocked as Wait | undefined;
      if (wait?.db === from.id) for (const one of wait.keys) blocking.signal(from, one);
    }
  };
}

const start = new StreamId();
