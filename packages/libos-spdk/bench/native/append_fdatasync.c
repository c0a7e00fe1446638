// Appends one by one, each written and made durable before the next: what a program does that has no group commit. However many are
// outstanding, they take turns. The file is as large as it will be, and has all its blocks: the file system has nothing to note.
//
//   append_fdatasync FILE SIZE OUTSTANDING SECONDS WARMUP
#define _GNU_SOURCE
#include "closed_loop.h"
#include "format.h"

enum { kFirst = 4 << 20 };

int main(int argc, char** argv) {
  const struct task task = read_task(argc, argv);
  uint64_t bytes;
  const int fd = open_file(task.path, 0, &bytes);
  uint8_t* const record = blocks(sizeof(struct record_header) + task.size);
  int64_t* const since = calloc(task.outstanding, sizeof(*since));
  const int64_t begin = now_ns();
  for (uint32_t i = 0; i < task.outstanding; i++) since[i] = begin;

  struct measure measure = {0};
  int64_t end = begin + (int64_t)(task.warmup * 1e9);
  uint64_t position = kFirst;
  uint32_t turn = 0;
  for (int counting = 0;;) {
    struct record_header* const header = (struct record_header*)record;
    const uint32_t salt = record_salt(1, position);
    header->length = task.size;
    header->crc = crc32c(salt, record + sizeof(*header), task.size);
    header->header_crc = crc32c(salt, header, 12);
    const size_t all = sizeof(*header) + task.size;
    if (position + all > bytes) position = kFirst;
    const ssize_t written = pwrite(fd, record, all, (off_t)position);
    if (written != (ssize_t)all) die("write", written < 0 ? errno : EIO);
    if (fdatasync(fd) != 0) die("fdatasync", errno);
    position += all;
    const int64_t now = now_ns();
    if (counting) appended(&measure, now - since[turn]);
    since[turn] = now;
    memcpy(record + sizeof(*header), &now, sizeof(now));
    turn = (turn + 1) % task.outstanding;
    if (now < end) continue;
    if (counting) break;
    counting = 1;
    count_from_here(&measure);
    end = now_ns() + (int64_t)(task.seconds * 1e9);
  }
  print_measure(&measure);
}
