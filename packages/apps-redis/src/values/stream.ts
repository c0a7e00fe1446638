/** Streams: entries in order of their ids, in nodes that are found by the id of their first entry; consumer groups. */
import type { StoredObject } from "../keyspace/types.js";
import { copyBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import type { Integer } from "../numbers/integers.js";
import type { Args } from "../protocol/args.js";
import { ByName } from "./by-name.js";
import { orRelease } from "./or-release.js";
import { EMPTY_TREE, nodesOf } from "./radix-nodes.js";
import { StreamGroup } from "./stream-group.js";
import { StreamId } from "./stream-id.js";
import { NONE, StreamIndex } from "./stream-index.js";
import { StreamIterator } from "./stream-iterator.js";
import { appendToNode, createNode, currentNode, deleteFromNode, hasRoom } from "./stream-node.js";
import { plus } from "./stream-pending.js";

/** Limits of a node: the configuration. */
export interface NodeLimits {
  streamNodeMaxBytes: number;
  streamNodeMaxEntries: number;
}

export class Stream implements StoredObject {
  readonly nodes: StreamIndex;
  /** Entries. */
  length = 0;
  /** Of the first entry; 0-0 without one. */
  readonly firstId = new StreamId();
  /** That was given last, whether its entry is still there or not. */
  readonly lastId = new StreamId();
  /** The largest of those that XDEL took. */
  readonly maxDeletedId = new StreamId();
  /** Entries that ever were there. */
  entriesAdded: Integer = 0;
  readonly groups = new ByName<StreamGroup>();
  /** Nodes of the radix tree that Redis would hold the stream's nodes in. */
  radixNodes = EMPTY_TREE;

  constructor(readonly heap: Heap) {
    this.nodes = new StreamIndex(heap);
  }

  /** Adds an entry behind all others, whose fields and values are the arguments from `from` on. `bytes`: of these. */
  append(id: StreamId, args: Args, from: number, bytes: number, limits: NodeLimits): void {
    const { heap, nodes } = this;
    const last = nodes.last();
    const node = last === NONE ? 0 : nodes.refAt(last);
    if (node === 0 || !hasRoom(heap, node, bytes, limits.streamNodeMaxBytes, limits.streamNodeMaxEntries)) {
      this.addNode(id, createNode(heap, id, args, from));
    } else {
      nodes.idAt(last, scratch);
      try {
        nodes.setRefAt(last, appendToNode(heap, node, scratch, id, args, from));
      } catch (error) {
        // Without the entry it may be elsewhere, too.
        nodes.setRefAt(last, currentNode());
        throw error;
      }
    }
    this.length++;
    this.entriesAdded = plus(this.entriesAdded, 1);
    this.lastId.assign(id);
    if (this.length === 1) this.firstId.assign(id);
  }

  /** Its entries are counted by the caller. */
  addNode(id: StreamId, node: Ref): void {
    this.radixNodes += nodesOf(this.nodes, id);
    this.nodes.add(id, node);
  }

  /** The same of one that goes; it is freed already. */
  removeNode(position: number): void {
    this.nodes.idAt(position, scratch);
    this.nodes.removeAt(position);
    this.radixNodes -= nodesOf(this.nodes, scratch);
  }

  /** False: there is no such entry. */
  delete(id: StreamId): boolean {
    const found = iterator.open(this, id, id);
    if (!found.next()) return false;
    const { position } = found;
    const node = deleteFromNode(this.heap, this.nodes.refAt(position), found.flagsAt);
    if (node === 0) this.removeNode(position);
    else this.nodes.setRefAt(position, node);
    this.length--;
    return true;
  }

  has(id: StreamId): boolean {
    return iterator.open(this, id, id).next();
  }

  /** To the id of the first entry, after some were taken away. */
  findFirst(): void {
    this.firstId.setZero();
    if (this.length !== 0 && iterator.open(this, ZERO, LARGEST).next()) this.firstId.assign(iterator.id);
  }

  /** The id of the last entry; 0-0 without one. */
  lastEntry(into: StreamId): StreamId {
    return iterator.open(this, ZERO, LARGEST, true).next() ? into.assign(iterator.id) : into.setZero();
  }

  /** Whether XDEL may have taken entries from `start` on. */
  hasGapsFrom(start: StreamId): boolean {
    if (this.length === 0 || this.maxDeletedId.isZero) return false;
    if (this.firstId.compare(this.maxDeletedId) > 0) return false;
    return start.compare(this.maxDeletedId) <= 0;
  }

  /** How many entries of all that ever were there this id is; -1: nobody knows. */
  distanceOf(id: StreamId): Integer {
    if (this.entriesAdded === 0) return 0;
    const last = id.compare(this.lastId);
    if (this.length === 0 && last < 1) return this.entriesAdded;
    if (last === 0) return this.entriesAdded;
    if (last > 0) return -1;
    if (!this.maxDeletedId.isZero && this.maxDeletedId.compare(this.firstId) >= 0) return -1;
    const first = id.compare(this.firstId);
    if (first > 0) return -1;
    return plus(this.entriesAdded, (first === 0 ? 1 : 0) - this.length);
  }

  copy(): Stream {
    const made = new Stream(this.heap);
    return orRelease(made, () => this.copyInto(made));
  }

  private copyInto(made: Stream): Stream {
    this.nodes.copyTo(made.nodes, (node) => this.copyNode(node), scratch);
    made.radixNodes = this.radixNodes;
    made.length = this.length;
    made.firstId.assign(this.firstId);
    made.lastId.assign(this.lastId);
    made.maxDeletedId.assign(this.maxDeletedId);
    made.entriesAdded = this.entriesAdded;
    for (const [name, group] of this.groups.entries()) {
      const copied = new StreamGroup(this.heap, group.lastId.copy(), group.entriesRead);
      made.groups.set(name, copied);
      group.copyTo(copied);
    }
    return made;
  }

  private copyNode(node: Ref): Ref {
    const { heap } = this;
    const from = heap.bytes[chunkOf(node)];
    const at = offsetOf(node);
    const size = heap.words[chunkOf(node)][at >>> 2] >>> 0;
    heap.demand(size);
    const made = heap.alloc(size);
    copyBytes(from, at, size, heap.bytes[chunkOf(made)], offsetOf(made));
    return made;
  }

  // ---- as a StoredObject -------------------------------------------------------------------------------------------------

  get size(): number {
    let size = this.nodes.size;
    for (const group of this.groups.values()) size += group.size;
    return size;
  }

  bytes(): number {
    const { heap, nodes } = this;
    let bytes = nodes.bytes();
    const last = nodes.last();
    // As Redis: the nodes are about as large as the first, but the last one.
    if (last !== NONE) bytes += heap.capacity(nodes.refAt(0)) * (nodes.size - 1) + heap.capacity(nodes.refAt(last));
    for (const group of this.groups.values()) bytes += group.bytes();
    return bytes;
  }

  release(most: number): boolean {
    const had = this.nodes.size;
    if (!this.nodes.drain(most, (node) => this.heap.free(node))) return false;
    let left = most - had;
    for (const [name, group] of this.groups.entries()) {
      const size = group.size;
      if (!group.release(Math.max(left, 1))) return false;
      this.groups.delete(name);
      left -= size;
      if (left <= 0) return this.groups.size === 0;
    }
    return true;
  }
}

export const ZERO: StreamId = new StreamId();
export const LARGEST: StreamId = new StreamId().setLargest();
const scratch = new StreamId();
const iterator = new StreamIterator();
