import { Histogram } from "../src/histogram.js";
import { freshSeed, seededRandom } from "../src/random.js";
import { quantile } from "../src/statistics.js";

test("small values are exact, large ones within a 64th of their octave", () => {
  const histogram = new Histogram();
  for (const value of [0, 1, 63, 64, 127]) histogram.record(value);
  expect(histogram.buckets().map(([least]) => least)).toEqual([0, 1, 63, 64, 127]);
  for (const value of [128, 129, 1000, 123_456, 2 ** 30 - 1, 2 ** 30, 2 ** 52 + 12_345]) {
    const one = new Histogram();
    one.record(value);
    const [[least]] = one.buckets();
    expect(least).toBeLessThanOrEqual(value);
    expect(value - least).toBeLessThan(least / 64);
    expect(one.quantile(0.5)).toBe(value);
  }
});

test("quantiles agree with sorting, whatever the distribution", () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const values = Array.from({ length: 20_000 }, () => Math.floor(10 ** (2 + 5 * random())));
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  for (const q of [0.01, 0.25, 0.5, 0.9, 0.99, 0.999]) {
    // Neighbouring values lie up to 1 % apart at the ends, on top of the width of a bucket.
    expect(Math.abs(histogram.quantile(q) / quantile(values, q) - 1)).toBeLessThan(0.04);
  }
  const summary = histogram.summary();
  expect(summary.count).toBe(values.length);
  expect(summary.min).toBe(Math.min(...values) / 1000);
  expect(summary.max).toBe(Math.max(...values) / 1000);
  expect(summary.avg).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length / 1000, 6);
});

test("histograms add up, and survive being written as buckets", () => {
  const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (let value = 1; value < 100_000; value += 37) {
    (value % 2 ? a : b).record(value);
    both.record(value);
  }
  a.add(b);
  expect(a.summary()).toEqual(both.summary());
  const read = Histogram.from(JSON.parse(JSON.stringify(both.buckets())));
  expect(read.count).toBe(both.count);
  expect(read.buckets()).toEqual(both.buckets());
  expect(Math.abs(read.quantile(0.99) / both.quantile(0.99) - 1)).toBeLessThan(0.016);
});

test("what is no latency is refused", () => {
  const histogram = new Histogram();
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => histogram.record(value)).toThrow(RangeError);
  }
  expect(() => histogram.summary()).toThrow(RangeError);
});
