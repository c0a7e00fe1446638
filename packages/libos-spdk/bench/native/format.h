// docs/log-format.md, as far as these programs need it.
#pragma once

#include "program.h"

enum { kRecordAlign = 8, kBatchMagic = 0x42494d44 };

struct superblock {
  char magic[8];
  uint32_t crc, version;
  uint64_t features, identity, sequence, epoch, device_bytes;
  uint32_t block_bytes, segment_bytes, segments, logs;
};
_Static_assert(sizeof(struct superblock) == 72, "as on the device");

struct segment_header {
  char magic[8];
  uint32_t crc, segment;
  uint64_t identity, incarnation, ordinal, epoch, stamp, resumes_from, durable;
  uint32_t previous, first_batch;
};
_Static_assert(sizeof(struct segment_header) == 80, "as on the device");

struct batch_header {
  uint32_t magic, crc;
  uint64_t identity, incarnation, position, epoch, durable;
  uint32_t bytes, records;
};
_Static_assert(sizeof(struct batch_header) == 56, "as on the device");

struct record_header {
  uint32_t length, gap, crc, header_crc;
};
_Static_assert(sizeof(struct record_header) == 16, "as on the device");

static inline uint32_t batch_crc(const struct batch_header* header) {
  return crc32c(0, (const uint8_t*)header + 8, sizeof(*header) - 8);
}

static inline uint32_t record_salt(uint64_t incarnation, uint64_t position) {
  const uint64_t both[2] = {incarnation, position};
  return crc32c(0, both, sizeof(both));
}

static inline uint64_t to_next_record(uint64_t offset) { return (kRecordAlign - offset % kRecordAlign) % kRecordAlign; }
static inline uint64_t whole_blocks(uint64_t bytes, uint64_t block) { return (bytes + block - 1) / block * block; }
