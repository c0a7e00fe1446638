// Log-linear histogram: 64 sub-buckets per octave, so every value is kept within 1.6 %. The same buckets as the Histogram of
// @demikernel/bench.
#pragma once

#include <stdint.h>
#include <stdio.h>

enum { kSubBits = 6, kSubBuckets = 1 << kSubBits, kBuckets = (64 - kSubBits + 1) * kSubBuckets };

struct histogram {
  uint64_t counts[kBuckets];
  uint64_t count, sum, min, max;
};

static int bucket_of(uint64_t value) {
  if (value < kSubBuckets) return (int)value;
  int shift = 63 - __builtin_clzll(value) - kSubBits;
  return (shift + 1) * kSubBuckets + (int)((value >> shift) - kSubBuckets);
}

static uint64_t least_in(int bucket) {
  if (bucket < 2 * kSubBuckets) return (uint64_t)bucket;
  return (uint64_t)(kSubBuckets + bucket % kSubBuckets) << (bucket / kSubBuckets - 1);
}

static void record(struct histogram* histogram, uint64_t value) {
  histogram->counts[bucket_of(value)]++;
  histogram->sum += value;
  if (histogram->count == 0 || value < histogram->min) histogram->min = value;
  if (value > histogram->max) histogram->max = value;
  histogram->count++;
}

// The value that a fraction of all values does not exceed: the middle of its bucket. 0 for an empty histogram.
static double quantile(const struct histogram* histogram, double fraction) {
  double rank = fraction * (double)histogram->count;
  uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; bucket++) {
    seen += histogram->counts[bucket];
    if (histogram->counts[bucket] > 0 && (double)seen >= rank) {
      double middle = ((double)least_in(bucket) + (double)least_in(bucket + 1) - 1) / 2;
      if (middle > (double)histogram->max) return (double)histogram->max;
      return middle < (double)histogram->min ? (double)histogram->min : middle;
    }
  }
  return 0;
}

// [[least value, count],...] of the buckets that are not empty.
static void print_buckets(const struct histogram* histogram) {
  const char* separator = "";
  printf("[");
  for (int bucket = 0; bucket < kBuckets; bucket++) {
    if (histogram->counts[bucket] == 0) continue;
    printf("%s[%llu,%llu]", separator, (unsigned long long)least_in(bucket),
           (unsigned long long)histogram->counts[bucket]);
    separator = ",";
  }
  printf("]");
}
