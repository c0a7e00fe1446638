// Appends with group commit: whatever waits when the device is free goes down as one durable write, laid out as libos-spdk lays out a
// batch, header, checksums, padding and all, by io_uring with O_DIRECT.
//
//   append_group FILE SIZE OUTSTANDING SECONDS WARMUP
#define _GNU_SOURCE
#include <liburing.h>
#include <sys/uio.h>

#include "closed_loop.h"
#include "format.h"

// The device's first bytes are the libOS's, so that one file does for both.
enum { kBlock = 512, kFirst = 4 << 20, kMostPieces = 2048 };

struct append {
  uint8_t* data;
  int64_t since;
};

struct batch {
  uint8_t* staging;
  size_t at, run;  // first free byte, and where what was not yet made a piece begins
  uint64_t bytes;
  uint64_t position;
  struct iovec pieces[kMostPieces];
  int count;
};

static void put(struct batch* batch, const void* from, size_t bytes) {
  memcpy(batch->staging + batch->at, from, bytes);
  batch->at += bytes;
  batch->bytes += bytes;
}

static void zeros(struct batch* batch, size_t bytes) {
  memset(batch->staging + batch->at, 0, bytes);
  batch->at += bytes;
  batch->bytes += bytes;
}

static void close_run(struct batch* batch) {
  if (batch->at != batch->run) {
    batch->pieces[batch->count++] = (struct iovec){batch->staging + batch->run, batch->at - batch->run};
  }
  batch->run = batch->at;
}

// Whole blocks of a record go down from where they lie.
static void add(struct batch* batch, const struct append* append, uint32_t size) {
  zeros(batch, to_next_record(batch->bytes));
  struct record_header header = {.length = size};
  const uint32_t salt = record_salt(1, batch->position + batch->bytes);
  const int in_place = size >= 2 * kBlock;
  if (in_place) header.gap = (uint32_t)((kBlock - (batch->bytes + sizeof(header)) % kBlock) % kBlock);
  header.crc = crc32c(salt, append->data, size);
  header.header_crc = crc32c(salt, &header, 12);
  put(batch, &header, sizeof(header));
  zeros(batch, header.gap);
  const uint32_t whole = in_place ? size / kBlock * kBlock : 0;
  if (whole != 0) {
    close_run(batch);
    batch->pieces[batch->count++] = (struct iovec){append->data, whole};
    batch->bytes += whole;
  }
  put(batch, append->data + whole, size - whole);
}

static void finish(struct batch* batch, uint32_t records, uint64_t durable) {
  struct batch_header header = {kBatchMagic, 0, 1, 1, batch->position, 1, durable, (uint32_t)batch->bytes, records};
  header.crc = batch_crc(&header);
  memcpy(batch->staging, &header, sizeof(header));
  zeros(batch, whole_blocks(batch->bytes, kBlock) - batch->bytes);
  close_run(batch);
}

int main(int argc, char** argv) {
  const struct task task = read_task(argc, argv);
  uint64_t bytes;
  const int fd = open_file(task.path, O_DIRECT, &bytes);
  struct io_uring ring;
  struct io_uring_params parameters = {.flags = IORING_SETUP_COOP_TASKRUN};
  const int error = io_uring_queue_init_params(8, &ring, &parameters);
  if (error != 0) die("io_uring", -error);
  struct append* const appends = calloc(task.outstanding, sizeof(*appends));
  const int64_t begin = now_ns();
  for (uint32_t i = 0; i < task.outstanding; i++) appends[i] = (struct append){blocks(task.size), begin};
  // Records that are not whole blocks fill the last: at most this much.
  const uint64_t room = (uint64_t)task.outstanding * (task.size + 2 * kBlock) + 2 * kBlock;
  if (kFirst + room > bytes) die("room on the device", ENOSPC);
  struct batch* const batch = calloc(1, sizeof(*batch));
  batch->staging = blocks(room);
  batch->position = kFirst;

  struct measure measure = {0};
  int64_t end = begin + (int64_t)(task.warmup * 1e9);
  for (int counting = 0;;) {
    batch->at = batch->run = 0;
    batch->bytes = 0;
    batch->count = 0;
    if (batch->position + room > bytes) batch->position = kFirst;
    zeros(batch, sizeof(struct batch_header));
    for (uint32_t i = 0; i < task.outstanding; i++) add(batch, &appends[i], task.size);
    finish(batch, task.outstanding, batch->position);
    struct io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
    io_uring_prep_writev2(sqe, fd, batch->pieces, (unsigned)batch->count, batch->position, RWF_DSYNC);
    struct io_uring_cqe* cqe;
    const int submitted = io_uring_submit_and_wait(&ring, 1);
    if (submitted < 0) die("io_uring_enter", -submitted);
    io_uring_peek_cqe(&ring, &cqe);
    if (cqe->res < 0 || (uint64_t)cqe->res != batch->bytes) die("write", cqe->res < 0 ? -cqe->res : EIO);
    io_uring_cqe_seen(&ring, cqe);
    batch->position += batch->bytes;
    for (uint32_t i = 0; i < task.outstanding; i++) {
      const int64_t now = now_ns();
      if (counting) appended(&measure, now - appends[i].since);
      appends[i].since = now;
      // The application's next record.
      memcpy(appends[i].data, &now, sizeof(now));
    }
    if (now_ns() < end) continue;
    if (counting) break;
    counting = 1;
    count_from_here(&measure);
    end = now_ns() + (int64_t)(task.seconds * 1e9);
  }
  print_measure(&measure);
}
