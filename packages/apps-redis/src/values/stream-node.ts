/**
 * Nodes of a stream: listpacks of some entries each, with the bytes that redis-server has, since DUMP hands them out. First the master entry, with
 * the fields of the entry that the node was made for:
 *
 *     entries  deleted entries  n  field 1 ... field n  0
 *
 * Then each entry, its id as what is to be added to the node's, and last how many elements it has, for who walks from the end:
 *
 *     flags  ms  seq  [n  field 1]  value 1 ... [field n]  value n  elements
 */
import { Listpack } from "../encodings/listpack.js";
import { ListpackBatch } from "../encodings/listpack-batch.js";
import type { ListpackReader } from "../encodings/listpack-reader.js";
import type { Heap, Ref } from "../memory/heap.js";
import type { Args } from "../protocol/args.js";
import { StreamId } from "./stream-id.js";

export const Flag = { DELETED: 1, SAME_FIELDS: 2 } as const;

/** Flags, milliseconds and sequence. */
const FIXED = 3;

const pack = new Listpack();
const batch = new ListpackBatch();
const currentId = new StreamId();

/** Entries of a node that are there, and that are deleted. */
export const entriesOf = (node: ListpackReader): number => Number(node.integer(node.first()));
export const deletedOf = (node: ListpackReader): number => Number(node.integer(node.next(node.first())));

/** A node with one entry, whose fields and values are the arguments from `from` on. */
export function createNode(heap: Heap, id: StreamId, args: Args, from: number): Ref {
  const fields = (args.count - from) / 2;
  batch.begin();
  batch.integer(1);
  batch.integer(0);
  batch.integer(fields);
  for (let i = from; i < args.count; i += 2) batch.text(args.bytes, args.at(i), args.length(i));
  batch.integer(0);
  addEntry(id, id, args, from, Flag.SAME_FIELDS);
  pack.create(heap);
  try {
    return batch.appendTo(heap, pack.ref, args.bytes);
  } catch (error) {
    heap.free(pack.ref);
    throw error;
  }
}

/** Adds an entry to a node whose id is `master`. Returns where the node is now. */
export function appendToNode(heap: Heap, node: Ref, master: StreamId, id: StreamId, args: Args, from: number): Ref {
  pack.open(heap, node);
  const entries = Number(pack.integer(pack.first()));
  pack.replaceInteger(pack.first(), entries + 1);
  const same = hasFields(args, from);
  batch.begin();
  addEntry(master, id, args, from, same ? Flag.SAME_FIELDS : 0);
  try {
    return batch.appendTo(heap, pack.ref, args.bytes);
  } catch (error) {
    pack.replaceInteger(pack.first(), entries);
    throw error;
  }
}

/** Where the node is that was looked at last. */
export const currentNode = (): Ref => pack.ref;

/** Marks the entry whose flags are at `flagsAt`. Returns where the node is now, or 0: that was its last entry, and it is freed. */
export function deleteFromNode(heap: Heap, node: Ref, flagsAt: number): Ref {
  pack.open(heap, node);
  const first = pack.first();
  const entries = Number(pack.integer(first));
  if (entries <= 1) {
    heap.free(node);
    return 0;
  }
  pack.replaceInteger(flagsAt, Number(pack.integer(flagsAt)) | Flag.DELETED);
  countDeleted(entries, 1);
  return pack.ref;
}

/**
 * Marks entries from the first on as deleted, as long as there is one and `stops` does not say so of its id. `trimmed.count` is how many that were;
 * returns where the node is now.
 */
export function trimNode(
  heap: Heap,
  node: Ref,
  master: StreamId,
  stops: (id: StreamId, deleted: number) => boolean,
): Ref {
  pack.open(heap, node);
  const entries = Number(pack.integer(pack.first()));
  let at = pack.next(pack.next(pack.first()));
  const fields = Number(pack.integer(at));
  at = skip(at, 2 + fields);
  let deleted = 0;
  while (at !== 0) {
    const flagsAt = at;
    const flags = Number(pack.integer(at));
    const ms = pack.next(at);
    const seq = pack.next(ms);
    if (stops(currentId.setSum(master, pack.integer(ms), pack.integer(seq)), deleted)) break;
    at = pack.next(seq);
    at = (flags & Flag.SAME_FIELDS) !== 0 ? skip(at, fields + 1) : skip(at, Number(pack.integer(at)) * 2 + 2);
    if ((flags & Flag.DELETED) !== 0) continue;
    // Of one byte before and after.
    pack.replaceInteger(flagsAt, flags | Flag.DELETED);
    deleted++;
  }
  countDeleted(entries, deleted);
  trimmed.count = deleted;
  return pack.ref;
}
export const trimmed = { count: 0 };

/** The id of a node's last entry, deleted or not. */
export function lastIdOf(heap: Heap, node: Ref, master: StreamId, into: StreamId): StreamId {
  pack.open(heap, node);
  let at = pack.last();
  for (let elements = Number(pack.integer(at)); elements > 0; elements--) at = pack.prev(at);
  const ms = pack.next(at);
  return into.setSum(master, pack.integer(ms), pack.integer(pack.next(ms)));
}

/** Whether an entry may still be added, by stream-node-max-bytes and stream-node-max-entries. `bytes`: of its fields and values. */
export function hasRoom(heap: Heap, node: Ref, bytes: number, mostBytes: number, mostEntries: number): boolean {
  pack.open(heap, node);
  const limit = mostBytes === 0 || mostBytes > MOST_BYTES ? MOST_BYTES : mostBytes;
  if (pack.byteLength + bytes >= limit) return false;
  return mostEntries === 0 || entriesOf(pack) + deletedOf(pack) < mostEntries;
}
/** Of a node, and of the fields and values of an entry. */
export const MOST_BYTES = 2 ** 30;

function addEntry(master: StreamId, id: StreamId, args: Args, from: number, flags: number): void {
  const fields = (args.count - from) / 2;
  const isSame = flags !== 0;
  batch.integer(flags);
  batch.integer(id.msSince(master));
  batch.integer(id.seqSince(master));
  if (!isSame) batch.integer(fields);
  for (let i = from; i < args.count; i += 2) {
    if (!isSame) batch.text(args.bytes, args.at(i), args.length(i));
    batch.text(args.bytes, args.at(i + 1), args.length(i + 1));
  }
  batch.integer(FIXED + fields + (isSame ? 0 : fields + 1));
}

/** Whether the fields are those of the master entry. */
function hasFields(args: Args, from: number): boolean {
  let at = pack.next(pack.next(pack.first()));
  if (pack.integer(at) !== (args.count - from) / 2) return false;
  for (let i = from; i < args.count; i += 2) {
    at = pack.next(at);
    if (!pack.equals(at, args.bytes, args.at(i), args.length(i))) return false;
  }
  return true;
}

function countDeleted(entries: number, more: number): void {
  const first = pack.replaceInteger(pack.first(), entries - more);
  const at = pack.next(first);
  pack.replaceInteger(at, Number(pack.integer(at)) + more);
}

function skip(at: number, elements: number): number {
  let next = at;
  for (let i = 0; i < elements; i++) next = pack.next(next);
  return next;
}

/** Of a valid listpack: the entries that are not deleted, or undefined where its elements are not those of a node. */
export function validateNode(node: ListpackReader): number | undefined {
  let at = node.first();
  /** The next element; not a number if it is no integer. */
  const integer = (): number => {
    if (at === 0 || !node.isInteger(at)) return Number.NaN;
    const value = Number(node.integer(at));
    at = node.next(at);
    return value;
  };
  const passes = (elements: number): boolean => {
    if (!(elements >= 0 && elements <= node.byteLength)) return false;
    for (let i = 0; i < elements; i++) {
      if (at === 0) return false;
      at = node.next(at);
    }
    return true;
  };
  const entries = integer();
  const all = entries + integer();
  const fields = integer();
  if (!(entries >= 0 && all >= entries) || !passes(fields) || integer() !== 0) return undefined;
  let found = 0;
  let left = all;
  for (; at !== 0 && left > 0; left--) {
    const flags = integer();
    if (Number.isNaN(flags + integer() + integer())) return undefined;
    const isSame = (flags & Flag.SAME_FIELDS) !== 0;
    const own = isSame ? fields : integer();
    const elements = isSame ? fields : own * 2;
    if (!passes(elements) || integer() !== elements + (isSame ? FIXED : FIXED + 1)) return undefined;
    if ((flags & Flag.DELETED) === 0) found++;
  }
  return at === 0 && left === 0 && found === entries ? entries : undefined;
}
