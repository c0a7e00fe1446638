/**
 * Elements of a listpack as bytes: a head that says the kind (and a string's length), the value, and last the size of both backwards, in groups
 * of seven bits, so that a listpack can be walked from its end.
 *
 *     0nnnnnnn                            0 to 127
 *     10LLLLLL  text                      a string of up to 63 bytes
 *     110nnnnn  n                         13 bits, signed
 *     1110LLLL  L  text                   up to 4095 bytes
 *     0xf0  LLLL  text                    longer
 *     0xf1 to 0xf4  nn, nnn, nnnn, nx8    16, 24, 32 and 64 bits, signed
 *     0xff                                the end
 */
import { fromHalves, highHalf, type Integer, lowHalf } from "../numbers/integers.js";

export const END = 0xff;
/** The head of a string of up to 63 bytes, without their number; such an element says its size in one byte. */
export const SHORT_STRING = 0x80;
/** The head of one of up to 4095 bytes, without its lower four bits. */
export const MIDDLE_STRING = 0xe0;
const INT16 = 0xf1;
const INT24 = 0xf2;
const INT32 = 0xf3;
const INT64 = 0xf4;
const STRING32 = 0xf0;

/** Whether the element is held as an integer. */
export function isIntegerHead(head: number): boolean {
  return head < 0x80 || (head & 0xe0) === 0xc0 || (head >= INT16 && head <= INT64);
}

/** Bytes of an element's head: 0 where no element begins so. */
export function headSize(head: number): number {
  if (head < 0xe0) return 1;
  if (head < STRING32) return 2;
  if (head === STRING32) return 5;
  return head <= INT64 ? 1 : 0;
}

/** Bytes of a string's text. */
export function textSize(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head < 0xc0) return head & 0x3f;
  if (head !== STRING32) return ((head & 0xf) << 8) | bytes[at + 1];
  return (bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24)) >>> 0;
}

/** Bytes of an element without the size at its end. */
export function entrySize(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head < 0x80) return 1;
  if (head < 0xc0) return 1 + (head & 0x3f);
  if (head < 0xe0) return 2;
  if (head < STRING32) return 2 + (((head & 0xf) << 8) | bytes[at + 1]);
  if (head === STRING32) return 5 + textSize(bytes, at);
  return head === INT64 ? 9 : head - INT16 + 3;
}

/** Bytes that it takes to say at an element's end that it has `size`. (The last size of each step takes one more than it must.) */
export function backSize(size: number): number {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** Where the next element begins. */
export function after(bytes: Uint8Array, at: number): number {
  const size = entrySize(bytes, at);
  return at + size + backSize(size);
}

/** The size that ends before `at`; -1 where it is longer than a size can be. */
export function readBack(bytes: Uint8Array, at: number): number {
  let size = 0;
  let scale = 1;
  for (let i = 1; i <= 5; i++) {
    const byte = bytes[at - i];
    size += (byte & 127) * scale;
    if (byte < 128) return size;
    scale *= 128;
  }
  return -1;
}

export function writeBack(bytes: Uint8Array, at: number, size: number): void {
  const count = backSize(size);
  let rest = size;
  for (let i = count - 1; i > 0; i--) {
    bytes[at + i] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at] = rest;
}

/** The value of an element that is held as an integer. */
export function readInteger(bytes: Uint8Array, at: number): Integer {
  const head = bytes[at];
  if (head < 0x80) return head;
  if (head < 0xe0) return ((((head & 0x1f) << 8) | bytes[at + 1]) << 19) >> 19;
  const low = bytes[at + 1] | (bytes[at + 2] << 8);
  if (head === INT16) return (low << 16) >> 16;
  const three = low | (bytes[at + 3] << 16);
  if (head === INT24) return (three << 8) >> 8;
  const four = three | (bytes[at + 4] << 24);
  if (head === INT32) return four;
  return fromHalves(four, bytes[at + 5] | (bytes[at + 6] << 8) | (bytes[at + 7] << 16) | (bytes[at + 8] << 24));
}

/** Bytes of the element that holds this integer, without the size at its end. */
export function integerSize(value: Integer): number {
  if (typeof value !== "number" || value < -2147483648 || value > 2147483647) return 9;
  if (value >= 0 && value <= 127) return 1;
  if (value >= -4096 && value <= 4095) return 2;
  if (value >= -32768 && value <= 32767) return 3;
  return value >= -8388608 && value <= 8388607 ? 4 : 5;
}

/** Writes an element of `size` as integerSize() says, without the size at its end. */
export function writeInteger(bytes: Uint8Array, at: number, value: Integer, size: number): void {
  const low = lowHalf(value);
  if (size === 1) {
    bytes[at] = low;
  } else if (size === 2) {
    bytes[at] = 0xc0 | ((low >> 8) & 0x1f);
    bytes[at + 1] = low;
  } else {
    bytes[at] = size === 9 ? INT64 : INT16 + size - 3;
    for (let i = 1; i < size && i <= 4; i++) bytes[at + i] = low >> (8 * (i - 1));
    if (size === 9) {
      const high = highHalf(value);
      for (let i = 0; i < 4; i++) bytes[at + 5 + i] = high >> (8 * i);
    }
  }
}

/** Bytes of a string's head, by the length of its text. */
export function stringHeadSize(length: number): number {
  return length < 64 ? 1 : length < 4096 ? 2 : 5;
}

export function writeStringHead(bytes: Uint8Array, at: number, length: number): void {
  if (length < 64) {
    bytes[at] = 0x80 | length;
  } else if (length < 4096) {
    bytes[at] = 0xe0 | (length >> 8);
    bytes[at + 1] = length;
  } else {
    bytes[at] = STRING32;
    for (let i = 0; i < 4; i++) bytes[at + 1 + i] = length >>> (8 * i);
  }
}
