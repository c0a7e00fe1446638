// A closed loop of appends, measured: `outstanding` of them are on their way at any time, and the next begins when one is durable.
#pragma once

#include "program.h"

struct task {
  const char* path;
  uint32_t size;  // bytes of a record
  uint32_t outstanding;
  double seconds, warmup;
};

struct measure {
  uint64_t appends;
  int64_t start, cpu;
  uint32_t* latencies;  // of the counted time, nanoseconds
  uint64_t room;
};

static struct task read_task(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: %s FILE SIZE OUTSTANDING SECONDS WARMUP\n", argv[0]);
    exit(2);
  }
  struct task task = {argv[1], (uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), atof(argv[4]), atof(argv[5])};
  if (task.size < 8 || task.size > 1 << 20 || task.outstanding < 1 || task.outstanding > 1024) die("a task", EINVAL);
  return task;
}

static void count_from_here(struct measure* measure) {
  if (measure->latencies == NULL) {
    measure->room = 16u << 20;
    measure->latencies = malloc(measure->room * sizeof(*measure->latencies));
    if (measure->latencies == NULL) die("memory", ENOMEM);
  }
  measure->appends = 0;
  measure->start = now_ns();
  measure->cpu = cpu_ns();
}

static void appended(struct measure* measure, int64_t nanoseconds) {
  if (measure->appends < measure->room) measure->latencies[measure->appends] = (uint32_t)nanoseconds;
  measure->appends++;
}

static int by_size(const void* a, const void* b) {
  const uint32_t left = *(const uint32_t*)a, right = *(const uint32_t*)b;
  return left < right ? -1 : left > right;
}

// One line of JSON.
static void print_measure(struct measure* measure) {
  const double elapsed = (double)(now_ns() - measure->start) / 1e9;
  const int64_t cpu = cpu_ns() - measure->cpu;
  const uint64_t n = measure->appends < measure->room ? measure->appends : measure->room;
  if (n == 0) die("appends", ETIMEDOUT);
  qsort(measure->latencies, n, sizeof(*measure->latencies), by_size);
  printf("{\"appends\":%llu,\"seconds\":%.6f,\"cpuNs\":%lld,\"p50\":%.3f,\"p99\":%.3f}\n",
         (unsigned long long)measure->appends, elapsed, (long long)cpu, measure->latencies[n / 2] / 1e3,
         measure->latencies[n * 99 / 100] / 1e3);
}
