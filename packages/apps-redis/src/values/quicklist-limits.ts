/** How much a node takes: list-max-listpack-size. */
import type { Heap, Ref } from "../memory/heap.js";
import { countOf, isPlain, sizeOf } from "./quicklist-node.js";

/** Bytes of a node, by the setting's values -1 to -5. */
const NODE_BYTES = [4096, 8192, 16384, 32768, 65536];
/** Where the setting is a number of elements. */
const SAFE_BYTES = 8192;
/** What an element may take beyond its text. */
const OVERHEAD = 8;
/** Head and end of a listpack, and what Redis takes them for when it merges two. */
const MERGED_BYTES = 11;
const MOST_ELEMENTS = 32767;
const PACKED = 2 ** 30;

export const limits = {
  /** Elements of so many bytes are plain nodes. DEBUG QUICKLIST-PACKED-THRESHOLD sets it, 0: what it was. */
  packedThreshold: PACKED,
  setPackedThreshold(bytes: number): void {
    limits.packedThreshold = bytes === 0 ? PACKED : bytes;
  },
};

export const isLarge = (length: number): boolean => length >= limits.packedThreshold;

/** A value of list-max-listpack-size as it works. */
export const fillOf = (setting: number): number => Math.max(-5, Math.min(setting, MOST_ELEMENTS));

/** Whether a node (0: none) takes an element of `length` bytes. */
export function allowsInsert(heap: Heap, node: Ref, fill: number, length: number): boolean {
  if (node === 0 || isPlain(heap, node) || isLarge(length)) return false;
  return isWithin(sizeOf(heap, node) + length + OVERHEAD, countOf(heap, node) + 1, fill);
}

export function allowsMerge(heap: Heap, a: Ref, b: Ref, fill: number): boolean {
  if (a === 0 || b === 0 || isPlain(heap, a) || isPlain(heap, b)) return false;
  return isWithin(sizeOf(heap, a) + sizeOf(heap, b) - MERGED_BYTES, countOf(heap, a) + countOf(heap, b), fill);
}

function isWithin(bytes: number, count: number, fill: number): boolean {
  return fill < 0 ? bytes <= NODE_BYTES[-fill - 1] : bytes <= SAFE_BYTES && count <= fill;
}
