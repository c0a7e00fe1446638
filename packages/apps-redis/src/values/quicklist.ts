/**
 * Redis's quicklist: a list of nodes, each a listpack (or one element that is too large for it), all in blocks of the heap. Nodes are filled,
 * split and merged by Redis's rules, since DUMP shows them. Pushing and popping at either end is O(1).
 *
 * After a change it stands nowhere, where nothing else is said. Bytes to be added must not lie in the list.
 */
import { Listpack } from "../encodings/listpack.js";
import type { StoredObject } from "../keyspace/types.js";
import type { Ref } from "../memory/heap.js";
import { allowsInsert, allowsMerge, isLarge } from "./quicklist-limits.js";
import {
  countOf,
  createNode,
  createPlainNode,
  entryOf,
  freeNode,
  isPlain,
  nextOf,
  prevOf,
  setEntry,
  setNext,
  setPrev,
} from "./quicklist-node.js";
import { QuicklistReader } from "./quicklist-reader.js";

/** Nodes that are looked at to know how many bytes there are. */
const SAMPLED = 5;

export class Quicklist extends QuicklistReader implements StoredObject {
  /** See {@link fillOf}. */
  fill = -2;
  /** It is not the keyspace's: stored-list.ts. */
  get isLent(): boolean {
    return false;
  }

  // ---- ends ------------------------------------------------------------------------------------------------------------

  push(atHead: boolean, bytes: Uint8Array, at: number, length: number): void {
    const { heap, pack } = this;
    const end = atHead ? this.head : this.tail;
    if (allowsInsert(heap, end, this.fill, length)) {
      pack.open(heap, entryOf(heap, end));
      if (atHead) pack.prepend(bytes, at, length);
      else pack.append(bytes, at, length);
      setEntry(heap, end, pack.ref, countOf(heap, end) + 1);
    } else {
      this.link(this.nodeOf(bytes, at, length), end, !atHead);
    }
    this.count++;
    this.node = 0;
  }

  /** Takes the element out at which it stands, and goes to the one after it, or before it; false, and nowhere, if there is none. */
  remove(backwards = false): boolean {
    const { heap, node } = this;
    this.count--;
    if (countOf(heap, node) === 1) {
      const neighbour = backwards ? prevOf(heap, node) : nextOf(heap, node);
      this.unlink(node);
      freeNode(heap, node);
      if (neighbour === 0) this.node = 0;
      else this.enter(neighbour, backwards ? countOf(heap, neighbour) - 1 : 0);
      return neighbour !== 0;
    }
    const wasFirst = this.index === 0;
    this.p = this.pack.remove(this.p);
    const left = countOf(heap, node) - 1;
    setEntry(heap, node, this.pack.ref, left);
    if (backwards) {
      if (wasFirst) return this.enterBefore(node);
      this.index--;
      this.p = this.p === 0 ? this.pack.last() : this.pack.prev(this.p);
      return true;
    }
    if (this.p !== 0) return true;
    const after = nextOf(heap, node);
    if (after === 0) this.node = 0;
    else this.enter(after, 0);
    return after !== 0;
  }

  /** Takes `count` elements out from the one with this index on, which are there. */
  removeRange(index: number, count: number): void {
    if (count <= 0 || !this.seek(index)) return;
    const { heap, pack } = this;
    let { node, index: from } = this;
    this.count -= count;
    for (let rest = count; rest > 0; from = 0) {
      const after = nextOf(heap, node);
      const own = countOf(heap, node);
      const some = Math.min(rest, own - from);
      if (some === own) {
        this.unlink(node);
        freeNode(heap, node);
      } else {
        pack.open(heap, entryOf(heap, node)).removeRange(from, some);
        setEntry(heap, node, pack.ref, own - some);
      }
      rest -= some;
      node = after;
    }
    this.node = 0;
  }

  // ---- in the middle -----------------------------------------------------------------------------------------------------

  /** Puts another in the place of the element at which it stands. */
  replace(bytes: Uint8Array, at: number, length: number): void {
    const { heap, node, pack } = this;
    if (!this.isPlain && !isLarge(length)) {
      pack.replace(this.p, bytes, at, length);
      setEntry(heap, node, pack.ref, countOf(heap, node));
      this.node = 0;
      return;
    }
    this.insert(true, bytes, at, length);
    // What was before the new element stays in the node, and the replaced one is its last.
    this.enter(node, countOf(heap, node) - 1);
    this.remove();
    this.node = 0;
  }

  /** Adds one beside the element at which it stands. */
  insert(after: boolean, bytes: Uint8Array, at: number, length: number): void {
    const { heap, node, fill, pack } = this;
    const count = countOf(heap, node);
    const atEnd = after ? this.index === count - 1 : this.index === 0;
    const beside = after ? nextOf(heap, node) : prevOf(heap, node);
    if (allowsInsert(heap, node, fill, length)) {
      if (after) pack.insertAfter(this.p, bytes, at, length);
      else pack.insertBefore(this.p, bytes, at, length);
      setEntry(heap, node, pack.ref, count + 1);
    } else if (atEnd && allowsInsert(heap, beside, fill, length)) {
      this.addTo(beside, after, bytes, at, length);
    } else if (atEnd) {
      this.link(this.nodeOf(bytes, at, length), node, after);
    } else {
      // What needs memory for the element comes before what cannot be undone, or when all nodes are linked.
      const made = isLarge(length) ? this.nodeOf(bytes, at, length) : 0;
      const part = this.split(node, after ? this.index + 1 : this.index, after);
      if (made !== 0) {
        this.link(made, node, after);
        this.link(part, made, after);
      } else {
        this.link(part, node, after);
        this.addTo(part, after, bytes, at, length);
        this.mergeAround(node);
      }
    }
    this.count++;
    this.node = 0;
  }

  /** A packed node's elements from `index` on (`after`) or before it, as a node that is not linked; the others stay. */
  private split(node: Ref, index: number, after: boolean): Ref {
    const { heap, pack } = this;
    const count = countOf(heap, node);
    pack.open(heap, entryOf(heap, node));
    const part = other.copyFrom(heap, pack.bytes, pack.base, pack.byteLength);
    (after ? pack : part).removeRange(index, count - index);
    (after ? part : pack).removeRange(0, index);
    setEntry(heap, node, pack.ref, after ? index : count - index);
    return createNode(heap, part.ref, after ? count - index : index);
  }

  /** Adds at the head or the tail of a packed node. */
  private addTo(node: Ref, atHead: boolean, bytes: Uint8Array, at: number, length: number): void {
    const { heap, pack } = this;
    pack.open(heap, entryOf(heap, node));
    if (atHead) pack.prepend(bytes, at, length);
    else pack.append(bytes, at, length);
    setEntry(heap, node, pack.ref, countOf(heap, node) + 1);
  }

  /** Makes one of neighbours that are small enough together, up to two nodes away from `center`. */
  private mergeAround(center: Ref): void {
    const { heap } = this;
    const before = prevOf(heap, center);
    const after = nextOf(heap, center);
    if (before !== 0) this.mergeWithNext(prevOf(heap, before));
    if (after !== 0) this.mergeWithNext(after);
    const merged = prevOf(heap, center);
    this.mergeWithNext(this.mergeWithNext(merged) ? merged : center);
  }

  private mergeWithNext(node: Ref): boolean {
    const { heap, pack } = this;
    // Where there is little memory left nodes stay as they are.
    if (node === 0 || heap.isLow) return false;
    const after = nextOf(heap, node);
    if (!allowsMerge(heap, node, after, this.fill)) return false;
    const count = countOf(heap, node) + countOf(heap, after);
    this.unlink(after);
    pack.open(heap, entryOf(heap, node)).merge(entryOf(heap, after));
    heap.free(after);
    setEntry(heap, node, pack.ref, count);
    return true;
  }

  // ---- nodes -------------------------------------------------------------------------------------------------------------

  /** A node with one element, not linked. */
  private nodeOf(bytes: Uint8Array, at: number, length: number): Ref {
    const { heap } = this;
    if (isLarge(length)) return createPlainNode(heap, bytes, at, length);
    const made = other.create(heap);
    try {
      made.append(bytes, at, length);
    } catch (error) {
      heap.free(made.ref);
      throw error;
    }
    return createNode(heap, made.ref, 1);
  }

  /** Adds a node at the end, with the elements that it has. */
  append(node: Ref): void {
    this.link(node, this.tail, true);
    this.count += countOf(this.heap, node);
  }

  /** `beside`: 0 where there are no nodes. */
  protected link(node: Ref, beside: Ref, after: boolean): void {
    const { heap } = this;
    const next = beside === 0 || !after ? beside : nextOf(heap, beside);
    const prev = beside === 0 || after ? beside : prevOf(heap, beside);
    setPrev(heap, node, prev);
    setNext(heap, node, next);
    if (prev === 0) this.head = node;
    else setNext(heap, prev, node);
    if (next === 0) this.tail = node;
    else setPrev(heap, next, node);
    this.nodes++;
  }

  protected unlink(node: Ref): void {
    const { heap } = this;
    const prev = prevOf(heap, node);
    const next = nextOf(heap, node);
    if (prev === 0) this.head = next;
    else setNext(heap, prev, next);
    if (next === 0) this.tail = prev;
    else setPrev(heap, next, prev);
    this.nodes--;
  }

  // ---- a value of the keyspace ---------------------------------------------------------------------------------------------

  /** What freeing costs. */
  get size(): number {
    return this.nodes;
  }

  bytes(): number {
    const { heap } = this;
    let sum = 0;
    let seen = 0;
    for (let node = this.head; node !== 0 && seen < SAMPLED; node = nextOf(heap, node), seen++)
      sum += heap.capacity(node) + heap.capacity(entryOf(heap, node));
    return seen === 0 ? 0 : Math.ceil((sum / seen) * this.nodes);
  }

  release(most: number): boolean {
    for (; this.head !== 0 && most > 0; most--) {
      const node = this.head;
      this.unlink(node);
      freeNode(this.heap, node);
    }
    return this.head === 0;
  }

  /** Whether it could be the value by the one node's listpack alone. */
  get isOneNode(): boolean {
    return this.nodes === 1 && !isPlain(this.heap, this.head);
  }
}

/** A listpack that is made or split off. */
const other = new Listpack();
