import type { Reply } from "../../protocol/reply.js";
import type { Stream } from "../../values/stream.js";
import type { StreamId } from "../../values/stream-id.js";
import { StreamIterator } from "../../values/stream-iterator.js";

const iterator = new StreamIterator();

/** Writes an array of the entries between two ids, at most `count`; 0: all. */
export function replyRange(
  reply: Reply,
  stream: Stream,
  start: StreamId,
  end: StreamId,
  count: number,
  isReversed = false,
): void {
  const mark = reply.mark();
  const found = iterator.open(stream, start, end, isReversed);
  let written = 0;
  while (found.next()) {
    found.emit(reply);
    written++;
    if (written === count) break;
  }
  reply.insert(mark, (head) => head.array(written));
}

/** Writes the entry with this id; false: there is none. */
export function replyEntry(reply: Reply, stream: Stream, id: StreamId): boolean {
  const found = iterator.open(stream, id, id).next();
  if (found) iterator.emit(reply);
  return found;
}

/** Writes the first or the last entry; null without one. */
export function replyEdge(reply: Reply, stream: Stream, start: StreamId, end: StreamId, isReversed: boolean): void {
  if (iterator.open(stream, start, end, isReversed).next()) iterator.emit(reply);
  else reply.null();
}
