/**
 * A node of a quicklist: a block of the heap with four words, which are the nodes before and after it (Refs), the block with its elements, and
 * how many these are. A packed node's block is a listpack. A plain node has one element, which is too large for a listpack: the length in a
 * word, then the bytes.
 */

import { copyBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";

const NODE_BYTES = 16;
const PLAIN = 1;
/** Before the bytes of a plain node. */
export const PLAIN_HEAD = 4;

const word = (heap: Heap, node: Ref, at: number): number => heap.words[chunkOf(node)][(offsetOf(node) >>> 2) + at];
const setWord = (heap: Heap, node: Ref, at: number, value: number): void => {
  heap.words[chunkOf(node)][(offsetOf(node) >>> 2) + at] = value;
};

export const prevOf = (heap: Heap, node: Ref): Ref => word(heap, node, 0) >>> 0;
export const nextOf = (heap: Heap, node: Ref): Ref => word(heap, node, 1) >>> 0;
export const entryOf = (heap: Heap, node: Ref): Ref => word(heap, node, 2) >>> 0;
/** Elements. */
export const countOf = (heap: Heap, node: Ref): number => word(heap, node, 3) >>> 1;
export const isPlain = (heap: Heap, node: Ref): boolean => (word(heap, node, 3) & PLAIN) !== 0;

export const setPrev = (heap: Heap, node: Ref, prev: Ref): void => setWord(heap, node, 0, prev);
export const setNext = (heap: Heap, node: Ref, next: Ref): void => setWord(heap, node, 1, next);

/** Of a packed node. */
export function setEntry(heap: Heap, node: Ref, entry: Ref, count: number): void {
  const words = heap.words[chunkOf(node)];
  const at = (offsetOf(node) >>> 2) + 2;
  words[at] = entry;
  words[at + 1] = count << 1;
}

/** A node that is linked to nothing. */
export function createNode(heap: Heap, entry: Ref, count: number): Ref {
  const node = heap.alloc(NODE_BYTES);
  setPrev(heap, node, 0);
  setNext(heap, node, 0);
  setEntry(heap, node, entry, count);
  return node;
}

export function createPlainNode(heap: Heap, bytes: Uint8Array, at: number, length: number): Ref {
  const entry = heap.alloc(PLAIN_HEAD + length);
  setWord(heap, entry, 0, length);
  copyBytes(bytes, at, length, heap.bytes[chunkOf(entry)], offsetOf(entry) + PLAIN_HEAD);
  const node = createNode(heap, entry, 0);
  setWord(heap, node, 3, 2 | PLAIN);
  return node;
}

/** Bytes of the listpack, or of the element that a plain node is: both begin with it. */
export const sizeOf = (heap: Heap, node: Ref): number => word(heap, entryOf(heap, node), 0) >>> 0;

export function freeNode(heap: Heap, node: Ref): void {
  heap.free(entryOf(heap, node));
  heap.free(node);
}
