/** Durations counted by how long they were, to two digits, from a nanosecond to a second (Redis: hdr_histogram of the same bounds). */

const SUB_BITS = 8;
const SUBS = 1 << SUB_BITS;
const HALF = SUBS / 2;
const MOST = 1_000_000_000;
/** So that MOST has a place: its highest bit is the 30th. */
const PLACES = (30 - SUB_BITS + 2) * HALF;

export class Histogram {
  total = 0;
  private readonly counts = new Uint32Array(PLACES);

  record(nanoseconds: number): void {
    const value = nanoseconds >= MOST ? MOST : nanoseconds < 1 ? 1 : nanoseconds | 0;
    const shift = 32 - Math.clz32(value | (SUBS - 1)) - SUB_BITS;
    this.counts[shift * HALF + (value >>> shift)]++;
    this.total++;
  }

  /** The longest that is counted as the one at this percentage. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((percent / 100) * this.total + 0.5));
    let seen = 0;
    for (let place = 0; place < PLACES; place++) {
      seen += this.counts[place];
      if (seen >= wanted) return highest(place);
    }
    return 0;
  }

  /** How many were not longer than each bound, in microseconds; bounds double, and those that add nothing are left out. */
  cumulative(): Map<number, number> {
    const found = new Map<number, number>();
    let seen = 0;
    let place = 0;
    for (let bound = 1024; seen < this.total; bound *= 2) {
      const before = seen;
      do seen += this.counts[place];
      while (lowest(place++) < bound && place < PLACES);
      if (seen !== before) found.set(Math.floor(highest(place - 1) / 1000), seen);
    }
    return found;
  }
}

const shiftOf = (place: number): number => Math.max(0, Math.floor(place / HALF) - 1);
const lowest = (place: number): number => (place - shiftOf(place) * HALF) * 2 ** shiftOf(place);

/** The largest value of a place. */
function highest(place: number): number {
  return lowest(place) + 2 ** shiftOf(place) - 1;
}
