// Reads all records of the one log on a device of libos-spdk, with every check that it makes, by io_uring with O_DIRECT: a few segments are
// always on their way.
//
//   read_records FILE SIZE          SIZE: of the largest record
#define _GNU_SOURCE
#include <liburing.h>

#include "format.h"

enum { kAhead = 4 };

struct reader {
  struct io_uring ring;
  int fd;
  struct superblock super;
  uint64_t first_segment, incarnation;
  struct segment_header* segments;  // of the log, by ordinal
  size_t count, asked, used;        // segments in all, asked for, used up
  uint8_t* windows[kAhead];
  int done[kAhead];
  uint64_t position;  // in the log
};

static void read_now(int fd, void* into, size_t bytes, uint64_t offset) {
  const ssize_t got = pread(fd, into, bytes, (off_t)offset);
  if (got != (ssize_t)bytes) die("read", got < 0 ? errno : EIO);
}

static int by_ordinal(const void* a, const void* b) {
  const uint64_t left = ((const struct segment_header*)a)->ordinal, right = ((const struct segment_header*)b)->ordinal;
  return left < right ? -1 : left > right;
}

static uint64_t offset_of(const struct reader* reader, uint32_t segment) {
  return reader->first_segment + (uint64_t)segment * reader->super.segment_bytes;
}

// Which segments are the log's: each says so.
static void find_segments(struct reader* reader) {
  uint8_t* const block = blocks(4096);
  read_now(reader->fd, block, 4096, 0);
  memcpy(&reader->super, block, sizeof(reader->super));
  const struct superblock* const super = &reader->super;
  if (memcmp(super->magic, "DEMILOGS", 8) != 0 || super->version != 1) die("no device of logs", EINVAL);
  reader->first_segment = ((64 << 10) + 2ull * super->logs * super->block_bytes + 0xffff) & ~0xffffull;
  reader->segments = malloc(super->segments * sizeof(*reader->segments));
  if (reader->segments == NULL) die("memory", ENOMEM);
  for (uint32_t n = 0; n < super->segments; n++) {
    read_now(reader->fd, block, super->block_bytes, offset_of(reader, n));
    struct segment_header header;
    memcpy(&header, block, sizeof(header));
    if (memcmp(header.magic, "DEMILOGG", 8) != 0 || header.identity != super->identity) continue;
    if (header.crc != crc32c(0, (const uint8_t*)&header + 12, sizeof(header) - 12)) die("a segment", EBADMSG);
    reader->incarnation = header.incarnation;
    reader->segments[reader->count++] = header;
  }
  qsort(reader->segments, reader->count, sizeof(*reader->segments), by_ordinal);
  for (size_t i = 0; i < reader->count; i++) {
    if (reader->segments[i].ordinal != i) die("a log that begins at its beginning", EINVAL);
  }
}

static void ask(struct reader* reader) {
  for (; reader->asked < reader->count && reader->asked < reader->used + kAhead; reader->asked++) {
    const size_t window = reader->asked % kAhead;
    struct io_uring_sqe* const sqe = io_uring_get_sqe(&reader->ring);
    io_uring_prep_read(sqe, reader->fd, reader->windows[window], reader->super.segment_bytes,
                       offset_of(reader, reader->segments[reader->asked].segment));
    io_uring_sqe_set_data64(sqe, window);
    reader->done[window] = 0;
  }
}

static void await(struct reader* reader, size_t window) {
  while (!reader->done[window]) {
    const int error = io_uring_submit_and_wait(&reader->ring, 1);
    if (error < 0) die("io_uring_enter", -error);
    struct io_uring_cqe* cqe;
    while (io_uring_peek_cqe(&reader->ring, &cqe) == 0) {
      if (cqe->res != (int)reader->super.segment_bytes) die("read", cqe->res < 0 ? -cqe->res : EIO);
      reader->done[io_uring_cqe_get_data64(cqe)] = 1;
      io_uring_cqe_seen(&reader->ring, cqe);
    }
  }
}

// The bytes at the position, as many as lie in one segment. NULL: the log has no more.
static const uint8_t* look(struct reader* reader, size_t* bytes) {
  const uint64_t payload = reader->super.segment_bytes - 2 * reader->super.block_bytes;
  const uint64_t ordinal = reader->position / payload;
  if (ordinal >= reader->count) return NULL;
  if (reader->used != ordinal) {
    reader->used = ordinal;
    ask(reader);
  }
  await(reader, ordinal % kAhead);
  const uint64_t at = reader->position % payload;
  if (*bytes > payload - at) *bytes = payload - at;
  return reader->windows[ordinal % kAhead] + reader->super.block_bytes + at;
}

static int fetch(struct reader* reader, void* into, size_t bytes, uint32_t* crc) {
  while (bytes != 0) {
    size_t here = bytes;
    const uint8_t* const from = look(reader, &here);
    if (from == NULL) return 0;
    memcpy(into, from, here);
    if (crc != NULL) *crc = crc32c(*crc, from, here);
    into = (uint8_t*)into + here;
    bytes -= here;
    reader->position += here;
  }
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s FILE SIZE\n", argv[0]);
    return 2;
  }
  struct reader* const reader = calloc(1, sizeof(*reader));
  const uint32_t most = (uint32_t)atoi(argv[2]);
  uint8_t* const record = blocks(most);
  reader->fd = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (reader->fd < 0) die(argv[1], errno);
  find_segments(reader);
  struct io_uring_params parameters = {.flags = IORING_SETUP_COOP_TASKRUN};
  const int error = io_uring_queue_init_params(2 * kAhead, &reader->ring, &parameters);
  if (error != 0) die("io_uring", -error);
  for (int i = 0; i < kAhead; i++) reader->windows[i] = blocks(reader->super.segment_bytes);

  const int64_t start = now_ns(), cpu = cpu_ns();
  uint64_t records = 0, bytes = 0;
  ask(reader);
  for (;;) {
    struct batch_header batch;
    const uint64_t begins = reader->position;
    if (!fetch(reader, &batch, sizeof(batch), NULL)) break;
    if (batch.magic != kBatchMagic || batch.crc != batch_crc(&batch) || batch.identity != reader->super.identity ||
        batch.incarnation != reader->incarnation || batch.position != begins)
      break;
    for (uint32_t n = 0; n < batch.records; n++) {
      reader->position += to_next_record(reader->position - begins);
      const uint32_t salt = record_salt(reader->incarnation, reader->position);
      struct record_header header;
      uint32_t crc = salt;
      if (!fetch(reader, &header, sizeof(header), NULL)) die("a record", EBADMSG);
      if (header.header_crc != crc32c(salt, &header, 12) || header.length > most) die("a record", EBADMSG);
      reader->position += header.gap;
      if (!fetch(reader, record, header.length, &crc) || crc != header.crc) die("a record", EBADMSG);
      records++;
      bytes += header.length;
    }
    reader->position = begins + whole_blocks(batch.bytes, reader->super.block_bytes);
  }
  const double seconds = (double)(now_ns() - start) / 1e9;
  printf("{\"records\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"cpuNs\":%lld}\n", (unsigned long long)records,
         (unsigned long long)bytes, seconds, (long long)(cpu_ns() - cpu));
}
