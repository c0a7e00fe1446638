/**
 * Nodes of an {@link OrderedTree}: blocks of the heap, with entries in order.
 *
 * | word | what |
 * |---|---|
 * | 0 | entries |
 * | 1, 2 | the next and the previous node of the same level, a Ref; 0: there is none |
 * | 4... | the entries' scores (doubles); the Refs of their members' records; of an inner node also its children and how many elements each has |
 *
 * An entry of a leaf is an element; one of an inner node is the first element of a child.
 */

import { compareBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";

const HEAD_WORDS = 4;
const LEAF_BYTES = 512;
const INNER_BYTES = 1024;
/** Entries that a node has room for. */
export const LEAF_MOST = Math.floor((LEAF_BYTES - HEAD_WORDS * 4) / 12);
export const INNER_MOST = Math.floor((INNER_BYTES - HEAD_WORDS * 4) / 20);

export function newNode(heap: Heap, isLeaf: boolean): Ref {
  const node = heap.alloc(isLeaf ? LEAF_BYTES : INNER_BYTES);
  heap.words[chunkOf(node)].fill(0, offsetOf(node) >>> 2, (offsetOf(node) >>> 2) + HEAD_WORDS);
  return node;
}

export const nodeBytes = (isLeaf: boolean): number => (isLeaf ? LEAF_BYTES : INNER_BYTES);

/** The word of a node that holds the member's record of entry 0; the child's, and the child's size. */
export const memberWord = (node: Ref, most: number): number => (offsetOf(node) >>> 2) + HEAD_WORDS + 2 * most;
export const childWord = (node: Ref): number => (offsetOf(node) >>> 2) + HEAD_WORDS + 3 * INNER_MOST;
export const sizeWord = (node: Ref): number => (offsetOf(node) >>> 2) + HEAD_WORDS + 4 * INNER_MOST;
/** The double of a node that holds the score of entry 0. */
export const scoreDouble = (node: Ref): number => (offsetOf(node) >>> 3) + HEAD_WORDS / 2;

export const countOf = (heap: Heap, node: Ref): number => heap.words[chunkOf(node)][offsetOf(node) >>> 2];
export const setCount = (heap: Heap, node: Ref, count: number): void => {
  heap.words[chunkOf(node)][offsetOf(node) >>> 2] = count;
};
export const nextOf = (heap: Heap, node: Ref): Ref => heap.words[chunkOf(node)][(offsetOf(node) >>> 2) + 1] >>> 0;
export const previousOf = (heap: Heap, node: Ref): Ref => heap.words[chunkOf(node)][(offsetOf(node) >>> 2) + 2] >>> 0;
export const childOf = (heap: Heap, node: Ref, i: number): Ref => heap.words[chunkOf(node)][childWord(node) + i] >>> 0;

/** Puts a node behind another of its level. */
export function linkBehind(heap: Heap, node: Ref, added: Ref): void {
  const next = nextOf(heap, node);
  link(heap, added, next);
  link(heap, node, added);
}

/** Takes a node out of its level, and frees it. */
export function dropNode(heap: Heap, node: Ref): void {
  link(heap, previousOf(heap, node), nextOf(heap, node));
  heap.free(node);
}

function link(heap: Heap, before: Ref, after: Ref): void {
  if (before !== 0) heap.words[chunkOf(before)][(offsetOf(before) >>> 2) + 1] = after;
  if (after !== 0) heap.words[chunkOf(after)][(offsetOf(after) >>> 2) + 2] = before;
}

/** How the key of a record compares with bytes: less than 0, it comes before them. */
export function compareKey(heap: Heap, ref: Ref, bytes: Uint8Array, at: number, length: number): number {
  return compareBytes(heap.bytes[chunkOf(ref)], offsetOf(ref) + HEADER, keyLengthOf(heap, ref), bytes, at, length);
}

/** Moves entries `from` to the end of `source` to `at` of another node of the same kind, which has room; counts are the caller's. */
export function copyEntries(
  heap: Heap,
  source: Ref,
  from: number,
  end: number,
  target: Ref,
  at: number,
  isLeaf: boolean,
): void {
  const most = isLeaf ? LEAF_MOST : INNER_MOST;
  const n = end - from;
  const words = heap.words[chunkOf(source)];
  const to = heap.words[chunkOf(target)];
  const scores = heap.doubles[chunkOf(source)];
  const toScores = heap.doubles[chunkOf(target)];
  const score = scoreDouble(source) + from;
  const toScore = scoreDouble(target) + at;
  const member = memberWord(source, most) + from;
  const toMember = memberWord(target, most) + at;
  for (let i = 0; i < n; i++) {
    toScores[toScore + i] = scores[score + i];
    to[toMember + i] = words[member + i];
  }
  if (isLeaf) return;
  const child = childWord(source) + from;
  const toChild = childWord(target) + at;
  for (let i = 0; i < n; i++) {
    to[toChild + i] = words[child + i];
    to[toChild + INNER_MOST + i] = words[child + INNER_MOST + i];
  }
}

/** Makes a gap of one entry at `i`. */
export function openGap(heap: Heap, node: Ref, i: number, isLeaf: boolean): void {
  const count = countOf(heap, node);
  shift(heap, node, i, count, 1, isLeaf);
  setCount(heap, node, count + 1);
}

/** Takes entry `i` out. */
export function closeGap(heap: Heap, node: Ref, i: number, isLeaf: boolean): void {
  const count = countOf(heap, node);
  shift(heap, node, i + 1, count, -1, isLeaf);
  setCount(heap, node, count - 1);
}

function shift(heap: Heap, node: Ref, from: number, end: number, by: number, isLeaf: boolean): void {
  if (from === end) return;
  const words = heap.words[chunkOf(node)];
  const score = scoreDouble(node);
  heap.doubles[chunkOf(node)].copyWithin(score + from + by, score + from, score + end);
  const member = memberWord(node, isLeaf ? LEAF_MOST : INNER_MOST);
  words.copyWithin(member + from + by, member + from, member + end);
  if (isLeaf) return;
  const child = childWord(node);
  words.copyWithin(child + from + by, child + from, child + end);
  const size = sizeWord(node);
  words.copyWithin(size + from + by, size + from, size + end);
}
