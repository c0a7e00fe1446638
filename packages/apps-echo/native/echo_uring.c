// TCP echo server on io_uring: multishot accept, multishot receive into a ring of provided buffers, one system call per batch,
// DEFER_TASKRUN. One thread. The buffer a message came in is the one it is sent from.
//
// Built for liburing 2.3 and later, Linux 6.1 and later. Buffers are shared by all connections: a peer that reads nothing can
// hold all of them, which is all right for a baseline and would not be for a service.
#define _GNU_SOURCE
#include <liburing.h>
#include <sys/mman.h>

#include "listener.h"

enum { kEntries = 1024, kBuffers = 1024, kBufferBytes = 4096, kGroup = 0, kMaxFds = 8192 };
enum operation { kAccept = 1, kReceive, kSend };

struct connection {
  bool open;
  bool receiving;  // a multishot receive is armed
  bool starved;    // the receive ended because no buffer was left
  bool ending;     // the peer is done, or lost
  int first;       // buffers to send, in order; the first is with the kernel; -1 if empty
  int last;
};

struct buffer {
  int next;  // of the same connection
  int length;
  int sent;
};

static struct io_uring ring;
static struct io_uring_buf_ring* free_buffers;
static char* memory;
static struct buffer buffers[kBuffers];
static struct connection connections[kMaxFds];
static int highest_fd = 0;
static int starved = 0;

static struct io_uring_sqe* next_entry(void) {
  struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL) {  // the batch is full: hand it over early
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) die("submission queue", EBUSY);
  }
  return sqe;
}

static void tag(struct io_uring_sqe* sqe, enum operation operation, int fd) {
  io_uring_sqe_set_data64(sqe, ((uint64_t)operation << 32) | (uint32_t)fd);
}

static void arm_accept(int listener) {
  struct io_uring_sqe* sqe = next_entry();
  io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
  tag(sqe, kAccept, listener);
}

static void arm_receive(int fd) {
  struct io_uring_sqe* sqe = next_entry();
  io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kGroup;
  tag(sqe, kReceive, fd);
  connections[fd].receiving = true;
}

static void send_first(int fd) {
  int id = connections[fd].first;
  const struct buffer* buffer = &buffers[id];
  struct io_uring_sqe* sqe = next_entry();
  const char* from = memory + (size_t)id * kBufferBytes + buffer->sent;
  io_uring_prep_send(sqe, fd, from, (size_t)(buffer->length - buffer->sent), MSG_NOSIGNAL);
  tag(sqe, kSend, fd);
}

static void give_back(int id) {
  char* at = memory + (size_t)id * kBufferBytes;
  io_uring_buf_ring_add(free_buffers, at, kBufferBytes, (unsigned short)id, io_uring_buf_ring_mask(kBuffers), 0);
  io_uring_buf_ring_advance(free_buffers, 1);
}

static void close_when_idle(int fd) {
  struct connection* connection = &connections[fd];
  if (!connection->ending || connection->receiving || connection->first >= 0) return;
  if (connection->starved) starved--;
  connection->open = false;
  close(fd);
}

static void on_accept(int listener, const struct io_uring_cqe* cqe) {
  if ((cqe->flags & IORING_CQE_F_MORE) == 0) arm_accept(listener);
  int fd = cqe->res;
  if (fd < 0) return;
  if (fd >= kMaxFds) {
    close(fd);
    return;
  }
  if (fd > highest_fd) highest_fd = fd;
  connections[fd] = (struct connection){.open = true, .first = -1, .last = -1};
  arm_receive(fd);
}

static void on_receive(int fd, const struct io_uring_cqe* cqe) {
  struct connection* connection = &connections[fd];
  if ((cqe->flags & IORING_CQE_F_MORE) == 0) connection->receiving = false;
  if (cqe->res > 0) {
    int id = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    if (connection->ending) {
      give_back(id);
    } else {
      buffers[id] = (struct buffer){.next = -1, .length = cqe->res, .sent = 0};
      if (connection->first < 0) {
        connection->first = connection->last = id;
        send_first(fd);
      } else {
        buffers[connection->last].next = id;
        connection->last = id;
      }
      if (!connection->receiving) arm_receive(fd);
    }
  } else if (cqe->res == -ENOBUFS) {
    connection->starved = true;
    starved++;
  } else if (!connection->receiving) {
    connection->ending = true;
  }
  close_when_idle(fd);
}

static void on_send(int fd, const struct io_uring_cqe* cqe) {
  struct connection* connection = &connections[fd];
  int id = connection->first;
  if (cqe->res <= 0) {  // lost: nothing more to send, and the receive must end as well
    while (connection->first >= 0) {
      int dropped = connection->first;
      connection->first = buffers[dropped].next;
      give_back(dropped);
    }
    connection->ending = true;
    shutdown(fd, SHUT_RDWR);
    close_when_idle(fd);
    return;
  }
  buffers[id].sent += cqe->res;
  if (buffers[id].sent < buffers[id].length) {
    send_first(fd);
    return;
  }
  connection->first = buffers[id].next;
  give_back(id);
  if (connection->first >= 0) send_first(fd);
  close_when_idle(fd);
}

// Buffers have come back: those who ended for want of one go on.
static void feed_starved(void) {
  for (int fd = 0; fd <= highest_fd && starved > 0; fd++) {
    if (!connections[fd].open || !connections[fd].starved) continue;
    connections[fd].starved = false;
    starved--;
    if (!connections[fd].ending) arm_receive(fd);
  }
}

static void open_ring(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
  int error = io_uring_queue_init_params(kEntries, &ring, &params);
  if (error < 0) die("io_uring_queue_init", -error);
  size_t ring_bytes = kBuffers * sizeof(struct io_uring_buf);
  size_t bytes = ring_bytes + (size_t)kBuffers * kBufferBytes;
  char* mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE | MAP_POPULATE, -1, 0);
  if (mapping == MAP_FAILED) die("mmap", errno);
  free_buffers = (struct io_uring_buf_ring*)mapping;
  memory = mapping + ring_bytes;
  struct io_uring_buf_reg registration = {
      .ring_addr = (unsigned long)free_buffers, .ring_entries = kBuffers, .bgid = kGroup};
  error = io_uring_register_buf_ring(&ring, &registration, 0);
  if (error < 0) die("io_uring_register_buf_ring", -error);
  io_uring_buf_ring_init(free_buffers);
  for (int id = 0; id < kBuffers; id++) give_back(id);
}

int main(int argc, char** argv) {
  struct options options = read_options(argc, argv);
  if (options.log != NULL) die("--log", EINVAL);  // the server on epoll has it
  int listener = listen_on_loopback(options.port, 0);
  open_ring();
  arm_accept(listener);
  say_listening(listener);

  for (;;) {
    int error = options.busy ? io_uring_submit_and_get_events(&ring) : io_uring_submit_and_wait(&ring, 1);
    if (error < 0 && error != -EINTR && error != -EBUSY) die("io_uring_enter", -error);
    struct io_uring_cqe* cqe;
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      int fd = (int)(uint32_t)cqe->user_data;
      switch ((enum operation)(cqe->user_data >> 32)) {
        case kAccept:
          on_accept(fd, cqe);
          break;
        case kReceive:
          on_receive(fd, cqe);
          break;
        case kSend:
          on_send(fd, cqe);
          break;
      }
      seen++;
    }
    io_uring_cq_advance(&ring, seen);
    if (starved > 0) feed_starved();
  }
}
