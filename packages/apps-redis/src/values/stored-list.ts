/**
 * Lists as the keyspace has them. One of a single packed node is that node's listpack, which the record names: so a small list costs no object
 * of JavaScript. While it is worked with it is a Quicklist like any other, of which there is one for each heap, reused.
 */
import { Listpack } from "../encodings/listpack.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, Type } from "../keyspace/types.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { Quicklist } from "./quicklist.js";
import { fillOf } from "./quicklist-limits.js";
import {
  createNode,
  createPlainNode,
  entryOf,
  isPlain,
  nextOf,
  PLAIN_HEAD,
  setEntry,
  setNext,
  setPrev,
  sizeOf,
} from "./quicklist-node.js";

/** Of more elements the listpack's head does not say how many. */
const MOST_COUNTED = 65534;

/** A list whose nodes are somebody's for the time of an operation. */
class Lent extends Quicklist {
  override get isLent(): boolean {
    return true;
  }

  /** A node's block that is kept from one operation to the next, or 0. */
  private spare: Ref = 0;

  /** Is the list of which this listpack is the only node. */
  hold(entry: Ref): void {
    const { heap, pack } = this;
    const count = pack.open(heap, entry).length;
    // What was only read has still its node.
    let node = this.head;
    if (node === 0) {
      node = this.spare === 0 ? createNode(heap, entry, count) : this.spare;
      this.spare = 0;
    }
    setPrev(heap, node, 0);
    setNext(heap, node, 0);
    setEntry(heap, node, entry, count);
    this.become(node, 1, count);
  }

  clear(): this {
    if (this.head !== 0) this.takeNode(this.head);
    this.become(0, 0, 0);
    return this;
  }

  /** The only node's listpack; the list is nobody's then. */
  takeEntry(): Ref {
    const entry = entryOf(this.heap, this.head);
    this.clear();
    return entry;
  }

  /** All nodes, in an object of their own. */
  takeAll(): Quicklist {
    const own = new Quicklist(this.heap);
    own.head = this.head;
    own.tail = this.tail;
    own.nodes = this.nodes;
    own.count = this.count;
    this.become(0, 0, 0);
    return own;
  }

  /** A node's block that nobody needs any more. */
  takeNode(node: Ref): void {
    if (this.spare === 0) this.spare = node;
    else this.heap.free(node);
  }

  private become(node: Ref, nodes: number, count: number): void {
    this.head = node;
    this.tail = node;
    this.nodes = nodes;
    this.count = count;
    this.node = 0;
  }
}

const isLent = (list: Quicklist): list is Lent => list.isLent;

const lent = new WeakMap<Heap, Lent>();
let last: Lent | undefined;

function lentOf(heap: Heap): Lent {
  if (last !== undefined && last.heap === heap) return last;
  last = lent.get(heap) ?? new Lent(heap);
  lent.set(heap, last);
  return last;
}

// ---- changing --------------------------------------------------------------------------------------------------------

/** The list of a record, which may be read until another is opened, and changed until it is settled. `setting`: list-max-listpack-size. */
export function openList(db: Db, ref: Ref, setting: number): Quicklist {
  let list: Quicklist;
  if (db.encodingOf(ref) === Encoding.QUICKLIST_NODE) {
    const one = lentOf(db.heap);
    one.hold(db.blob(ref));
    list = one;
  } else {
    list = db.object<Quicklist>(ref);
  }
  list.fill = fillOf(setting);
  return list;
}

/** After a change: the record has the list as it is now. Returns how many elements that are; without any, the key is to be deleted next. */
export function settleList(db: Db, ref: Ref, list: Quicklist): number {
  const { count } = list;
  if (isLent(list)) {
    if (list.nodes === 0) db.setBlob(ref, empty.create(db.heap).ref);
    else if (list.isOneNode) db.setBlob(ref, list.takeEntry());
    else db.becomeObject(ref, Encoding.QUICKLIST, list.takeAll());
  } else if (list.isOneNode && list.count <= MOST_COUNTED) {
    db.becomeBlob(ref, Encoding.QUICKLIST_NODE, entryOf(list.heap, list.head));
    lentOf(db.heap).takeNode(list.head);
  }
  return count;
}

/** As settleList(), after a change that there was no memory for; `ref` 0: of a {@link newList}, which is given back. */
export function abandonList(db: Db, ref: Ref, list: Quicklist): void {
  if (ref !== 0) settleList(db, ref, list);
  else list.release(Number.POSITIVE_INFINITY);
}

const empty = new Listpack();

/** A list that is no key's yet: give it elements, then {@link addList}. One at a time, and none is opened meanwhile. */
export function newList(heap: Heap, setting: number): Quicklist {
  const list = lentOf(heap).clear();
  list.fill = fillOf(setting);
  return list;
}

/** Makes a list the value of a key, which is not there. */
export function addList(db: Db, key: Uint8Array, at: number, length: number, list: Quicklist): Ref {
  const one = list as Lent;
  if (list.isOneNode && list.count <= MOST_COUNTED)
    return db.addBlob(key, at, length, Type.LIST, Encoding.QUICKLIST_NODE, one.takeEntry());
  return db.addObject(key, at, length, Type.LIST, Encoding.QUICKLIST, one.takeAll());
}

// ---- all of it ---------------------------------------------------------------------------------------------------------

/** Tells `found`, which opens no other list, each element's text, from head to tail. */
export function eachElement(db: Db, ref: Ref, found: (text: string) => void): void {
  const list = openList(db, ref, 0);
  for (let there = list.seek(0); there; there = list.next()) found(list.string());
}

/** Tells `found` the bytes of each node: of a listpack, or of the one element that a plain node is. */
export function eachNode(
  db: Db,
  ref: Ref,
  found: (isPlain: boolean, bytes: Uint8Array, at: number, length: number) => void,
): void {
  const { heap } = db;
  const list = openList(db, ref, 0);
  for (let node = list.head; node !== 0; node = nextOf(heap, node)) {
    const plain = isPlain(heap, node);
    const entry = entryOf(heap, node);
    found(plain, heap.bytes[chunkOf(entry)], offsetOf(entry) + (plain ? PLAIN_HEAD : 0), sizeOf(heap, node));
  }
}

/** Adds a node to a {@link newList}: bytes that are a listpack and valid, or one element that shall be plain. */
export function appendNode(list: Quicklist, isPlain: boolean, bytes: Uint8Array, at: number, length: number): void {
  const { heap } = list;
  heap.demand(length);
  if (isPlain) {
    list.append(createPlainNode(heap, bytes, at, length));
    return;
  }
  const made = empty.copyFrom(heap, bytes, at, length);
  list.append(createNode(heap, made.ref, made.length));
}
