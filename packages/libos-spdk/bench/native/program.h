// What these programs have in common: their end, the clock, aligned memory, the checksum.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static void die(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

// User and system time of this process, its threads in the kernel among them.
static int64_t cpu_ns(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ll +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ll;
}

static void* blocks(size_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, 4096, bytes) != 0) die("memory", ENOMEM);
  memset(memory, 0, bytes);
  return memory;
}

static int open_file(const char* path, int flags, uint64_t* bytes) {
  int fd = open(path, O_RDWR | O_CLOEXEC | flags);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) die(path, errno);
  *bytes = (uint64_t)status.st_size;
  return fd;
}

// CRC-32C, as ../../native/crc32c.cc: by the processor's instruction.
#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c(uint32_t crc, const void* data, size_t bytes) {
  const uint8_t* at = data;
  uint64_t sum = ~crc;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    sum = _mm_crc32_u64(sum, word);
  }
  uint32_t rest = (uint32_t)sum;
  for (; bytes != 0; bytes--) rest = _mm_crc32_u8(rest, *at++);
  return ~rest;
}
#else
#error "the benchmark's programs are for x86-64"
#endif
