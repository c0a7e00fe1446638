/**
 * An entry that was handed out and is not acknowledged: a block of the heap that the group's and the consumer's index both name.
 *
 * | word | what |
 * |---|---|
 * | 0, 1 | when it was handed out last: milliseconds since 1970, the lower half first |
 * | 2, 3 | how often |
 * | 4 | the number of the consumer in its group, or NOBODY |
 */
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { fromHalves, highHalf, type Integer, lowHalf, shortened } from "../numbers/integers.js";

export const PENDING_BYTES = 20;
export const NOBODY = -1;

export function createPending(heap: Heap, time: Integer, deliveries: Integer, consumer: number): Ref {
  const ref = heap.alloc(PENDING_BYTES);
  setTime(heap, ref, time);
  setDeliveries(heap, ref, deliveries);
  setConsumer(heap, ref, consumer);
  return ref;
}

export function copyPending(heap: Heap, ref: Ref): Ref {
  return createPending(heap, timeOf(heap, ref), deliveriesOf(heap, ref), consumerOf(heap, ref));
}

export const timeOf = (heap: Heap, ref: Ref): Integer => read(heap, ref, 0);
export const deliveriesOf = (heap: Heap, ref: Ref): Integer => read(heap, ref, 2);
export const setTime = (heap: Heap, ref: Ref, time: Integer): void => write(heap, ref, 0, time);
export const setDeliveries = (heap: Heap, ref: Ref, count: Integer): void => write(heap, ref, 2, count);

export const consumerOf = (heap: Heap, ref: Ref): number => heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 4];
export const setConsumer = (heap: Heap, ref: Ref, consumer: number): void => {
  heap.words[chunkOf(ref)][(offsetOf(ref) >>> 2) + 4] = consumer;
};

/** One more or less than a 64-bit integer, as they go round. */
export function plus(value: Integer, more: Integer): Integer {
  if (typeof value === "number" && typeof more === "number") {
    const sum = value + more;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return shortened(BigInt.asIntN(64, BigInt(value) + BigInt(more)));
}

/** The same of a difference. */
export function minus(value: Integer, less: Integer): Integer {
  if (typeof value === "number" && typeof less === "number") {
    const difference = value - less;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return shortened(BigInt.asIntN(64, BigInt(value) - BigInt(less)));
}

/** Of a time that has passed: clocks may have gone back. */
export function notNegative(value: Integer): Integer {
  return value >= 0 ? value : 0;
}

function read(heap: Heap, ref: Ref, word: number): Integer {
  const words = heap.words[chunkOf(ref)];
  const at = (offsetOf(ref) >>> 2) + word;
  return fromHalves(words[at], words[at + 1]);
}

function write(heap: Heap, ref: Ref, word: number, value: Integer): void {
  const words = heap.words[chunkOf(ref)];
  const at = (offsetOf(ref) >>> 2) + word;
  words[at] = lowHalf(value);
  words[at + 1] = highHalf(value);
}
