import type { Call } from "../../server/call.js";
import type { Stream } from "../../values/stream.js";
import { trimStream } from "../../values/stream-trim.js";
import { ids, writeStream } from "./arguments.js";
import { addOrTrimOptions, tellTrimmed } from "./trim-options.js";

export function xdel(call: Call): void {
  const stream = writeStream(call, 1);
  if (stream === null) return;
  if (stream === undefined) return call.reply.integer(0);
  const all = ids(call, 2);
  if (all === undefined) return;
  let deleted = 0;
  let isFirst = false;
  for (const id of all) {
    if (!stream.delete(id)) continue;
    deleted++;
    if (id.compare(stream.firstId) === 0) isFirst = true;
    if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.assign(id);
  }
  if (isFirst || (deleted !== 0 && stream.length === 0)) stream.findFirst();
  if (deleted !== 0) changedBy(call, deleted, "xdel");
  call.reply.integer(deleted);
}

export function xtrim(call: Call): void {
  const options = addOrTrimOptions(call, false);
  if (options?.trim === undefined) return;
  const stream = writeStream(call, 1);
  if (stream === null) return;
  const deleted = stream === undefined ? 0 : trimStream(stream, options.trim);
  if (deleted !== 0) changedBy(call, deleted, "xtrim");
  if (deleted !== 0 && options.trim.isApproximate) tellTrimmed(call, stream as Stream, options);
  call.reply.integer(deleted);
}

function changedBy(call: Call, entries: number, event: string): void {
  call.changed(1, "t", event);
  call.db.keyspace.dirty += entries - 1;
}
