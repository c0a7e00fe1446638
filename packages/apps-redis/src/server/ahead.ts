/**
 * Looks, before the requests of a pipeline run, at where their keys will be found, so that what is in no cache comes while others are looked
 * at: one after the other, each would be waited for (Chen, Ailamaki, Gibbons, Mowry, "Improving Hash Join Performance through Prefetching",
 * ICDE 2004, group prefetching; JavaScript has no instruction for it, but loads that do not depend on each other overlap as well).
 */
import type { Dict } from "../memory/dict.js";

/** Requests looked at together. */
const MOST = 16;
/** Fewer keys than this are in the processor's caches. */
const LEAST_KEYS = 16_384;
/** A request that has as many bytes as this finds its memory soon enough. */
const MOST_BYTES = 1024;

const STAR = 42;
const DOLLAR = 36;

export class Ahead {
  /** Where what was looked at ends. */
  private until = 0;
  private readonly heads = new Uint32Array(MOST);
  /** What was read, so that it is read. */
  seen = 0;

  /** Of what has come the first request is at `at`. It is not looked at: mostly it is the only one. */
  begin(at: number): void {
    this.until = at + 1;
  }

  /** Before the request at `at` runs; nothing depends on what comes up to `end`, which may be anything. Returns the keys looked at. */
  look(dict: Dict, bytes: Uint8Array, at: number, end: number): number {
    if (at < this.until || dict.size < LEAST_KEYS) return 0;
    const { heads } = this;
    let count = 0;
    while (count < MOST && at < end && bytes[at] === STAR) {
      const limit = at + MOST_BYTES;
      let args = 0;
      for (let digit = bytes[++at] - 48; digit >= 0 && digit <= 9; digit = bytes[++at] - 48) args = args * 10 + digit;
      at += 2;
      let key = 0;
      let length = 0;
      for (let i = 0; i < args && at < end && at < limit && bytes[at] === DOLLAR; i++) {
        let size = 0;
        for (let digit = bytes[++at] - 48; digit >= 0 && digit <= 9; digit = bytes[++at] - 48) size = size * 10 + digit;
        at += 2;
        if (i === 1) {
          key = at;
          length = size;
        }
        at += size + 2;
      }
      if (key !== 0 && at <= end && at < limit) heads[count++] = dict.headOf(bytes, key, length);
    }
    this.until = at;
    let seen = 0;
    for (let i = 0; i < count; i++) seen ^= dict.glance(heads[i]);
    this.seen = seen;
    return count;
  }
}
