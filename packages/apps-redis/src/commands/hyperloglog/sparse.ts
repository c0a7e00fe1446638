/**
 * Registers as runs: 00xxxxxx, up to 64 that are zero; 01xxxxxx xxxxxxxx, up to 16384 that are zero; 1vvvvvxx, up to 4 that have a value up to 32.
 * Lengths and values are one more than what is written.
 */
import { HEADER_BYTES, REGISTERS, writeDenseRegister } from "./dense.js";

const LARGEST_VALUE = 32;
const LONGEST_VALUE_RUN = 4;
const LONGEST_ZERO_RUN = 64;
/** Runs that are looked at, to put two into one, after a change. */
const MERGED = 5;
/** Bytes that {@link raiseSparse} needs room for behind the value. */
export const SPARSE_ROOM = 8;

/** Of {@link raiseSparse}, beside a new length: nothing was changed; the bytes are no runs of all registers; it must become dense first. */
export const UNCHANGED = 0;
export const CORRUPTED = -1;
export const TOO_LARGE = -2;

/** What {@link nextRun} has read. There is one, reused. */
export const run = { length: 0, value: 0 };

/** Where {@link raiseSparse} was last: for who raises registers from the first to the last, it need not begin anew each time. */
export interface Place {
  /** Of the run before the one that was raised: in bytes from the value's start, and its first register. 0: there is none. */
  offset: number;
  first: number;
}

const isLongZero = (byte: number): boolean => (byte & 0xc0) === 0x40;

/** Reads the run at `at`, and returns where the next one begins. */
export function nextRun(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at];
  if (byte & 0x80) {
    run.value = ((byte >> 2) & 31) + 1;
    run.length = (byte & 3) + 1;
    return at + 1;
  }
  run.value = 0;
  run.length = (byte & 63) + 1;
  if (!isLongZero(byte)) return at + 1;
  run.length = (((byte & 63) << 8) | (at + 1 < end ? bytes[at + 1] : 0)) + 1;
  return at + 2;
}

const valueRun = (value: number, length: number): number => 0x80 | ((value - 1) << 2) | (length - 1);

/** Runs that take the place of one. */
const made = new Uint8Array(SPARSE_ROOM);
let madeBytes = 0;

function make(value: number, length: number): void {
  if (length === 0) return;
  if (value !== 0) {
    made[madeBytes++] = valueRun(value, length);
  } else if (length <= LONGEST_ZERO_RUN) {
    made[madeBytes++] = length - 1;
  } else {
    made[madeBytes++] = 0x40 | ((length - 1) >> 8);
    made[madeBytes++] = (length - 1) & 255;
  }
}

/**
 * Makes a register of the value of `length` bytes at `at` what `count` is, if that is more. Returns the value's new length, `most` at most; or
 * UNCHANGED, CORRUPTED, TOO_LARGE.
 */
export function raiseSparse(
  bytes: Uint8Array,
  at: number,
  length: number,
  register: number,
  count: number,
  most: number,
  last?: Place,
): number {
  if (count > LARGEST_VALUE) return TOO_LARGE;
  const start = at + HEADER_BYTES;
  const end = at + length;
  let place = start;
  let previous = start;
  let first = 0;
  let previousFirst = 0;
  let registers = 0;
  if (last !== undefined && last.offset !== 0) {
    nextRun(bytes, at + last.offset, end);
    // Only from there on is it known what is before a run.
    if (register >= last.first + run.length) {
      place = at + last.offset;
      first = last.first;
    }
  }
  // The time goes by here: each run is read for its length only.
  for (; place < end; ) {
    const byte = bytes[place];
    let size = 1;
    if (byte & 0x80) {
      registers = (byte & 3) + 1;
    } else if (byte & 0x40) {
      size = 2;
      registers = (((byte & 63) << 8) | (place + 1 < end ? bytes[place + 1] : 0)) + 1;
    } else {
      registers = (byte & 63) + 1;
    }
    if (register < first + registers) break;
    previousFirst = first;
    first += registers;
    previous = place;
    place += size;
  }
  if (registers === 0 || place >= end) return CORRUPTED;
  if (last !== undefined) {
    last.offset = previous === place ? 0 : previous - at;
    last.first = previousFirst;
  }
  const next = nextRun(bytes, place, end);
  if (run.value >= count) return UNCHANGED;
  const before = register - first;
  const after = run.length - 1 - before;
  madeBytes = 0;
  make(run.value, before);
  make(count, 1);
  make(run.value, after);
  const more = madeBytes - (next - place);
  if (more > 0 && length + more > most) return TOO_LARGE;
  if (more !== 0 && next < end) bytes.copyWithin(next + more, next, end);
  for (let n = 0; n < madeBytes; n++) bytes[place + n] = made[n];
  return mergeRuns(bytes, previous, end + more) - at;
}

/** Puts runs of the same value that are neighbours into one, from `place` on, and returns the end. */
function mergeRuns(bytes: Uint8Array, place: number, end: number): number {
  for (let n = 0; n < MERGED && place < end; n++) {
    const byte = bytes[place];
    if ((byte & 0x80) === 0) {
      place += isLongZero(byte) ? 2 : 1;
      continue;
    }
    const following = place + 1 < end ? bytes[place + 1] : 0;
    const together = (byte & 3) + (following & 3) + 2;
    if ((byte & 0xfc) === (following & 0xfc) && together <= LONGEST_VALUE_RUN) {
      bytes[place + 1] = (byte & 0xfc) | (together - 1);
      bytes.copyWithin(place, place + 1, end);
      end--;
    } else {
      place++;
    }
  }
  return end;
}

/** Writes a sparse value as a dense one, which is zeros before. False: it is corrupted. */
export function sparseToDense(bytes: Uint8Array, at: number, length: number, dense: Uint8Array): boolean {
  const end = at + length;
  for (let n = 0; n < HEADER_BYTES; n++) dense[n] = bytes[at + n];
  dense[4] = 0;
  let register = 0;
  for (let place = at + HEADER_BYTES; place < end; ) {
    place = nextRun(bytes, place, end);
    const last = register + run.length;
    if (last > REGISTERS) return false;
    if (run.value === 0) register = last;
    else while (register < last) writeDenseRegister(dense, HEADER_BYTES, register++, run.value);
  }
  return register === REGISTERS;
}

/** Counts in `histogram` how many registers have each value. False: it is corrupted. */
export function sparseHistogram(bytes: Uint8Array, at: number, length: number, histogram: Int32Array): boolean {
  const end = at + length;
  let registers = 0;
  for (let place = at + HEADER_BYTES; place < end && registers <= REGISTERS; ) {
    place = nextRun(bytes, place, end);
    registers += run.length;
    histogram[run.value] += run.length;
  }
  return registers === REGISTERS;
}

/** Raises each of the registers in `most`, a byte each. False: it is corrupted. */
export function mergeSparse(bytes: Uint8Array, at: number, length: number, most: Uint8Array): boolean {
  const end = at + length;
  let register = 0;
  for (let place = at + HEADER_BYTES; place < end; ) {
    place = nextRun(bytes, place, end);
    const last = register + run.length;
    if (last > REGISTERS) return false;
    if (run.value === 0) register = last;
    else for (; register < last; register++) if (run.value > most[register]) most[register] = run.value;
  }
  return register === REGISTERS;
}
