/**
 * LZF, the compression of strings in DUMP payloads, RDB files and the inner nodes of lists. Its format:
 *
 *     000LLLLL text                     L + 1 bytes as they are
 *     LLLooooo oooooooo                 L + 2 bytes that are also o + 1 bytes back, L from 1 to 6
 *     111ooooo LLLLLLLL oooooooo        L + 9 bytes likewise
 *
 * Which of several forms the compressor gives depends on the matches that it finds. These are found as liblzf does as it is configured
 * for Redis, so that the bytes are those of redis-server.
 */

const HASH_BITS = 16;
const MOST_LITERALS = 32;
const FARTHEST = 1 << 13;
const LONGEST = 264;

/** Where each hash was last, plus {@link since}: smaller values are of earlier calls. So it needs no clearing from call to call. */
const places = new Int32Array(1 << HASH_BITS);
let since = 1;

function hash(bytes: Uint8Array, at: number): number {
  const three = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  return ((three >>> 8) - three * 5) & ((1 << HASH_BITS) - 1);
}

/** Compresses into `room` bytes from `to` on, and returns how many it took; 0 where they are not enough. */
export function lzfCompress(
  bytes: Uint8Array,
  offset: number,
  length: number,
  target: Uint8Array,
  to: number,
  room: number,
): number {
  if (length === 0 || room === 0) return 0;
  if (since + length >= 2 ** 31) {
    places.fill(0);
    since = 1;
  }
  // A place is its distance from the start plus what is its own of this call.
  const bias = since - offset;
  since += length;
  const end = offset + length;
  const outEnd = to + room;
  let at = offset;
  let literals = 0;
  // The head of the literals under way is at out - literals - 1.
  let out = to + 1;
  while (at < end - 2) {
    const slot = hash(bytes, at);
    const before = places[slot] - bias;
    places[slot] = at + bias;
    const isMatch =
      before > offset &&
      at - before - 1 < FARTHEST &&
      bytes[before] === bytes[at] &&
      bytes[before + 1] === bytes[at + 1] &&
      bytes[before + 2] === bytes[at + 2];
    if (!isMatch) {
      if (out >= outEnd) return 0;
      target[out++] = bytes[at++];
      if (++literals === MOST_LITERALS) {
        target[out - literals - 1] = literals - 1;
        literals = 0;
        out++;
      }
      continue;
    }
    if (out - (literals === 0 ? 1 : 0) + 4 >= outEnd) return 0;
    if (literals === 0) out--;
    else target[out - literals - 1] = literals - 1;
    const matched = matchLength(bytes, before, at, end);
    const back = at - before - 1;
    const size = matched - 2;
    if (size < 7) {
      target[out++] = (back >> 8) | (size << 5);
    } else {
      target[out++] = (back >> 8) | (7 << 5);
      target[out++] = size - 7;
    }
    target[out++] = back;
    literals = 0;
    out++;
    at += matched;
    if (at >= end - 2) break;
    // Of the places within the match only the last two are noted.
    places[hash(bytes, at - 2)] = at - 2 + bias;
    places[hash(bytes, at - 1)] = at - 1 + bias;
  }
  if (out + 3 > outEnd) return 0;
  while (at < end) {
    target[out++] = bytes[at++];
    if (++literals === MOST_LITERALS) {
      target[out - literals - 1] = literals - 1;
      literals = 0;
      out++;
    }
  }
  if (literals === 0) out--;
  else target[out - literals - 1] = literals - 1;
  return out - to;
}

/** Bytes from `at` on that are as those from `before` on, at least 3: as liblzf counts, which looks at 16 without a look at where the end is. */
function matchLength(bytes: Uint8Array, before: number, at: number, end: number): number {
  const most = Math.min(end - at - 2, LONGEST);
  let size = 3;
  if (most > 16) {
    for (; size <= 18; size++) if (bytes[before + size] !== bytes[at + size]) return size;
  }
  while (size < most && bytes[before + size] === bytes[at + size]) size++;
  return size;
}

/** Decompresses into exactly `room` bytes from `to` on: whether the input, of whoever sent it, was right. */
export function lzfDecompress(
  bytes: Uint8Array,
  offset: number,
  length: number,
  target: Uint8Array,
  to: number,
  room: number,
): boolean {
  const end = offset + length;
  const outEnd = to + room;
  let at = offset;
  let out = to;
  while (at < end) {
    const head = bytes[at++];
    if (head < 32) {
      const size = head + 1;
      if (out + size > outEnd || at + size > end) return false;
      for (let i = 0; i < size; i++) target[out++] = bytes[at++];
      continue;
    }
    let size = (head >> 5) + 2;
    if (size === 9 && at < end) size += bytes[at++];
    if (at >= end) return false;
    let from = out - ((head & 31) << 8) - 1 - bytes[at++];
    if (from < to || out + size > outEnd) return false;
    // One by one: it may reach into what it writes.
    for (let i = 0; i < size; i++) target[out++] = target[from++];
  }
  return out === outEnd;
}
