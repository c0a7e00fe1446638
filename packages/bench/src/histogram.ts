/**
 * Latency histogram: log-linear, 64 sub-buckets per octave, so every value is kept within 1.6 %. The C load generators use the
 * same buckets and print them, and histograms of several rounds add up to one.
 */

/** Sub-buckets per octave, a power of two. */
const subBuckets = 64;

/** Latencies in microseconds. */
export interface LatencySummary {
  count: number;
  min: number;
  avg: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** [least value of the bucket in nanoseconds, count], ascending, empty buckets left out. */
export type HistogramBuckets = [number, number][];

export class Histogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  static from(buckets: HistogramBuckets): Histogram {
    const histogram = new Histogram();
    for (const [nanoseconds, count] of buckets) histogram.record(nanoseconds, count);
    return histogram;
  }

  /** Counts a latency of whole nanoseconds, 0 to 2^53. Throws RangeError otherwise. */
  record(nanoseconds: number, count = 1): void {
    if (!Number.isSafeInteger(nanoseconds) || nanoseconds < 0) throw new RangeError(`latency ${nanoseconds}`);
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`count ${count}`);
    const least = bucketStart(nanoseconds);
    this.#counts.set(least, (this.#counts.get(least) ?? 0) + count);
    this.#count += count;
    this.#sum += nanoseconds * count;
    this.#min = Math.min(this.#min, nanoseconds);
    this.#max = Math.max(this.#max, nanoseconds);
  }

  add(other: Histogram): void {
    for (const [least, count] of other.#counts) this.#counts.set(least, (this.#counts.get(least) ?? 0) + count);
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  get count(): number {
    return this.#count;
  }

  /** Nanoseconds (the middle of the bucket) that `q` of the values do not exceed. Throws RangeError when empty. */
  quantile(q: number): number {
    if (this.#count === 0) throw new RangeError("quantile of an empty histogram");
    if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile ${q} is not within 0 to 1`);
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (const [least, count] of this.buckets()) {
      seen += count;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, least + (bucketWidth(least) - 1) / 2));
    }
    return this.#max;
  }

  /** Throws RangeError when empty. */
  summary(): LatencySummary {
    return {
      count: this.#count,
      min: this.#min / 1000,
      avg: this.#sum / this.#count / 1000,
      p50: this.quantile(0.5) / 1000,
      p99: this.quantile(0.99) / 1000,
      p999: this.quantile(0.999) / 1000,
      max: this.#max / 1000,
    };
  }

  buckets(): HistogramBuckets {
    return [...this.#counts].sort((a, b) => a[0] - b[0]);
  }
}

/** Nanoseconds a bucket spans, by any value in it. */
function bucketWidth(nanoseconds: number): number {
  let width = 1;
  while (nanoseconds >= 2 * subBuckets * width) width *= 2;
  return width;
}

function bucketStart(nanoseconds: number): number {
  const width = bucketWidth(nanoseconds);
  return Math.floor(nanoseconds / width) * width;
}
