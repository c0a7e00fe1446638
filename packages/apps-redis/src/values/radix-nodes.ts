/**
 * How many nodes Redis's radix tree would have for the keys of an index, which XINFO STREAM tells. A chain of bytes without a fork is one node, a
 * fork is one, and so is the end of each key; the tree of no key has its root. What one key adds, or takes away, follows from its neighbours.
 */
import { StreamId } from "./stream-id.js";
import { NONE, type StreamIndex } from "./stream-index.js";

const KEY_BYTES = 16;
/** The root, alone. */
export const EMPTY_TREE = 1;

/** Nodes that there are more with `id` than without; it is not in the index now. */
export function nodesOf(index: StreamIndex, id: StreamId): number {
  const before = index.atOrBefore(id);
  const after = before === NONE ? index.first() : index.next(before);
  // One chain and its end, in the place of the root.
  if (before === NONE && after === NONE) return 1;
  const left = before === NONE ? -1 : common(index.idAt(before, one), id);
  const right = after === NONE ? -1 : common(index.idAt(after, one), id);
  const fork = Math.max(left, right);
  const own = 1 + (fork + 1 < KEY_BYTES ? 1 : 0);
  // All keys that go with it up to the fork.
  const first = index.atOrAfter(edge(id, fork, 0));
  const last = index.atOrBefore(edge(id, fork, 0xff));
  index.idAt(first, one);
  index.idAt(last, other);
  const end = common(one, other);
  // Where they part is a fork already, or they go on together in a chain that is cut now.
  if (end === fork) return own;
  const outside = Math.max(
    first === index.first() ? -1 : common(index.idAt(index.prev(first), two), one),
    index.next(last) === NONE ? -1 : common(index.idAt(index.next(last), two), other),
  );
  const begin = outside + 1;
  return own + (fork > begin ? 1 : 0) + 1 + (fork + 1 < end ? 1 : 0) - 1;
}

/** Bytes that two keys begin with alike. */
function common(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return Math.clz32(a.msHigh ^ b.msHigh) >>> 3;
  if (a.msLow !== b.msLow) return 4 + (Math.clz32(a.msLow ^ b.msLow) >>> 3);
  if (a.seqHigh !== b.seqHigh) return 8 + (Math.clz32(a.seqHigh ^ b.seqHigh) >>> 3);
  if (a.seqLow !== b.seqLow) return 12 + (Math.clz32(a.seqLow ^ b.seqLow) >>> 3);
  return KEY_BYTES;
}

/** The key with all bytes from `length` on set to `fill`. */
function edge(id: StreamId, length: number, fill: number): StreamId {
  id.write(bytes, 0);
  bytes.fill(fill, length);
  return bound.read(bytes, 0);
}

const bytes = new Uint8Array(KEY_BYTES);
const bound = new StreamId();
const one = new StreamId();
const other = new StreamId();
const two = new StreamId();
