/**
 * What a hash table of the keyspace holds: a block of the heap with a key and what belongs to it.
 *
 * | word | what |
 * |---|---|
 * | 0 | the next record of the chain, a Ref |
 * | 1 | the key's hash |
 * | 2 | {@link Record.meta}: type (bits 0 to 3), encoding (4 to 7), clock of LRU or LFU (8 to 31) |
 * | 3 | bytes of the key; bit 31: there is an expiry; bit 30: whether a snapshot has it ({@link isSaved}) |
 * | 4... | the key, filled to whole words; the expiry, if there is one: 64 bits (milliseconds) and where {@link ExpiryIndex} has the record; the payload |
 */
import { fromHalves, highHalf, type Integer, lowHalf } from "../numbers/integers.js";
import { copyBytes } from "./bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "./heap.js";
import { readLatin1 } from "./latin1.js";

export const HEADER = 16;
const HAS_EXPIRY = 0x80000000 | 0;
export const LENGTH = 0x3fffffff;
/** Of a record that the snapshot under way has, or that it need not have, this bit is as {@link Heap.mark} is. */
export const MARK = 0x40000000;
/** Bytes of an expiry in the record. */
export const EXPIRY = 12;

/** Bytes of a record without its payload. */
export const recordSize = (keyLength: number, hasExpiry: boolean): number =>
  HEADER + ((keyLength + 3) & ~3) + (hasExpiry ? EXPIRY : 0);

export const nextOf = (heap: Heap, ref: Ref): Ref => heap.words[chunkOf(ref)][offsetOf(ref) >>> 2] >>> 0;
export const setNext = (heap: Heap, ref: Ref, next: Ref): void => {
  heap.words[chunkOf(ref)][offsetOf(ref) >>> 2] = next;
};
export const hashIn = (heap: Heap, ref: Ref): number => heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 1];

export const metaOf = (heap: Heap, ref: Ref): number => heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 2];
export const setMeta = (heap: Heap, ref: Ref, meta: number): void => {
  heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 2] = meta;
};

export const keyLengthOf = (heap: Heap, ref: Ref): number =>
  heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 3] & LENGTH;
export const hasExpiry = (heap: Heap, ref: Ref): boolean => heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 3] < 0;

export const isSaved = (heap: Heap, ref: Ref): boolean =>
  ((heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 3] ^ heap.mark) & MARK) === 0;
export const setSaved = (heap: Heap, ref: Ref): void => {
  const words = heap.words[chunkOf(ref)];
  const word = (offsetOf(ref) >>> 2) + 3;
  words[word] = (words[word] & ~MARK) | heap.mark;
};

/** Where the payload begins in the record's chunk, in bytes: a multiple of 4. */
export function payloadOf(heap: Heap, ref: Ref): number {
  const at = offsetOf(ref);
  const word = heap.words[chunkOf(ref)][(at >>> 2) + 3];
  return at + HEADER + (((word & LENGTH) + 3) & ~3) + (word < 0 ? EXPIRY : 0);
}

/** Bytes the payload has room for. */
export const payloadRoom = (heap: Heap, ref: Ref): number =>
  heap.capacity(ref) - (payloadOf(heap, ref) - offsetOf(ref));

/** The key as latin1 text. */
export function keyText(heap: Heap, ref: Ref): string {
  const at = offsetOf(ref) + HEADER;
  return readLatin1(heap.bytes[chunkOf(ref)], at, at + keyLengthOf(heap, ref));
}

export function initRecord(
  heap: Heap,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  expires: boolean,
): void {
  const words = heap.words[chunkOf(ref)];
  const word = offsetOf(ref) >>> 2;
  words[word] = 0;
  words[word + 1] = hash;
  words[word + 2] = 0;
  words[word + 3] = length | heap.mark | (expires ? HAS_EXPIRY : 0);
  copyBytes(bytes, at, length, heap.bytes[chunkOf(ref)], offsetOf(ref) + HEADER);
}

/** Milliseconds since 1970, rounded to what a number holds; only of a record that has an expiry. */
export function expiryOf(heap: Heap, ref: Ref): number {
  const words = heap.words[chunkOf(ref)];
  const word = expiryWord(heap, ref);
  return words[word + 1] * 2 ** 32 + (words[word] >>> 0);
}

/** As expiryOf(), every bit of it. */
export function exactExpiryOf(heap: Heap, ref: Ref): Integer {
  const words = heap.words[chunkOf(ref)];
  const word = expiryWord(heap, ref);
  return fromHalves(words[word], words[word + 1]);
}

export function setExpiry(heap: Heap, ref: Ref, milliseconds: Integer): void {
  const words = heap.words[chunkOf(ref)];
  const word = expiryWord(heap, ref);
  words[word] = lowHalf(milliseconds);
  words[word + 1] = highHalf(milliseconds);
}

export const expiryPlace = (heap: Heap, ref: Ref): number => heap.words[chunkOf(ref)][expiryWord(heap, ref) + 2];
export const setExpiryPlace = (heap: Heap, ref: Ref, place: number): void => {
  heap.words[chunkOf(ref)][expiryWord(heap, ref) + 2] = place;
};

const expiryWord = (heap: Heap, ref: Ref): number => (payloadOf(heap, ref) - EXPIRY) >>> 2;

/** Makes room for an expiry, or takes it away: `moved` has the room that it needs. Copies key and payload. */
export function copyRecord(heap: Heap, from: Ref, moved: Ref, expires: boolean, payloadBytes: number): void {
  const source = heap.bytes[chunkOf(from)];
  const target = heap.bytes[chunkOf(moved)];
  const begin = offsetOf(from);
  const head = HEADER + ((keyLengthOf(heap, from) + 3) & ~3);
  const payload = payloadOf(heap, from);
  target.set(source.subarray(begin, begin + head), offsetOf(moved));
  const words = heap.words[chunkOf(moved)];
  const word = (offsetOf(moved) >>> 2) + 3;
  words[word] = (words[word] & ~HAS_EXPIRY) | (expires ? HAS_EXPIRY : 0);
  if (expires && hasExpiry(heap, from)) {
    target.set(source.subarray(payload - EXPIRY, payload), offsetOf(moved) + head);
  }
  target.set(source.subarray(payload, payload + payloadBytes), payloadOf(heap, moved));
}
