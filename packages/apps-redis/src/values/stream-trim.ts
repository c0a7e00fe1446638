/** What XADD and XTRIM take away from a stream's beginning. */
import { ListpackReader } from "../encodings/listpack-reader.js";
import type { Stream } from "./stream.js";
import { StreamId } from "./stream-id.js";
import { NONE } from "./stream-index.js";
import { entriesOf, lastIdOf, trimmed, trimNode } from "./stream-node.js";

export interface Trim {
  /** Entries that are left, or the smallest id that is. */
  by: number | StreamId;
  /** Only whole nodes go. */
  isApproximate: boolean;
  /** Entries that go at most; 0: all. */
  limit: number;
}

/** Returns how many entries it took away. */
export function trimStream(stream: Stream, { by, isApproximate, limit }: Trim): number {
  const { heap, nodes } = stream;
  const had = stream.length;
  for (let first = nodes.first(); first !== NONE; first = nodes.first()) {
    if (typeof by === "number" && stream.length <= by) break;
    const node = nodes.refAt(first);
    const entries = entriesOf(pack.open(heap, node));
    if (limit !== 0 && had - stream.length + entries > limit) break;
    nodes.idAt(first, master);
    const goes =
      typeof by === "number" ? stream.length - entries >= by : lastIdOf(heap, node, master, last).compare(by) < 0;
    if (goes) {
      heap.free(node);
      stream.removeNode(first);
      stream.length -= entries;
      continue;
    }
    if (!isApproximate) {
      const { length } = stream;
      const stops = (id: StreamId, deleted: number) =>
        typeof by === "number" ? length - deleted <= by : id.compare(by) >= 0;
      nodes.setRefAt(first, trimNode(heap, node, master, stops));
      stream.length -= trimmed.count;
    }
    break;
  }
  if (stream.length !== had || stream.length === 0) stream.findFirst();
  return had - stream.length;
}

const pack = new ListpackReader();
const master = new StreamId();
const last = new StreamId();
