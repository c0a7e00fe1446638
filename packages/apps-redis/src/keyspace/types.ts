/** Types and encodings of values, as TYPE and OBJECT ENCODING name them. */

export const Type = { STRING: 0, LIST: 1, SET: 2, ZSET: 3, HASH: 4, STREAM: 5 } as const;
export type TypeValue = (typeof Type)[keyof typeof Type];
export const TYPE_NAMES = ["string", "list", "set", "zset", "hash", "stream"] as const;

export const Encoding = {
  RAW: 0,
  INT: 1,
  EMBSTR: 2,
  HASHTABLE: 3,
  LISTPACK: 4,
  INTSET: 5,
  SKIPLIST: 6,
  QUICKLIST: 7,
  STREAM: 8,
  /** A quicklist of one node, which is a listpack: that is the value. */
  QUICKLIST_NODE: 9,
  /** A set that Redis has as a hashtable, with so few members that they are a listpack: that is the value. */
  HASHTABLE_LISTPACK: 10,
} as const;
export type EncodingValue = (typeof Encoding)[keyof typeof Encoding];
export const ENCODING_NAMES = [
  "raw",
  "int",
  "embstr",
  "hashtable",
  "listpack",
  "intset",
  "skiplist",
  "quicklist",
  "stream",
  "quicklist",
  "hashtable",
] as const;

/** Whose payload is a Ref to one block of bytes; strings hold their bytes themselves, all others are a {@link StoredObject}. */
export const isBlob = (encoding: EncodingValue): boolean =>
  encoding === Encoding.LISTPACK ||
  encoding === Encoding.INTSET ||
  encoding === Encoding.QUICKLIST_NODE ||
  encoding === Encoding.HASHTABLE_LISTPACK;

/** A value that is an object of JavaScript, with what it holds in the heap. */
export interface StoredObject {
  /** Elements: what freeing costs. */
  readonly size: number;
  /** Bytes that it holds, roughly: MEMORY USAGE. */
  bytes(): number;
  /** Gives back at most `most` elements' memory; true when all of it is given back. */
  release(most: number): boolean;
}
