// TCP echo server on epoll: the baseline that a C programmer would write. One thread, level-triggered.
//
// A connection whose peer does not read is not read from either: what it owes stays in its one buffer. With --log FILE each message is
// written to the file and synchronised before it is sent back: as a program does that has no group commit. The file is as large as it will
// be, and is begun again at its end.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "listener.h"

enum { kBufferBytes = 16 * 1024, kMaxConnections = 4096, kEvents = 256 };

struct connection {
  int fd;
  int owed;  // bytes of buffer that could not be sent at once
  int sent;  // bytes of them sent since
  char buffer[kBufferBytes];
};

static int epoll_fd;
static int connections = 0;
static int log_fd = -1;
static off_t log_bytes, log_position;

static void open_log(const char* path) {
  struct stat status;
  log_fd = open(path, O_WRONLY | O_CLOEXEC);
  if (log_fd < 0 || fstat(log_fd, &status) != 0) die(path, errno);
  log_bytes = status.st_size;
  if (log_bytes < 2 * kBufferBytes) die(path, ENOSPC);
}

static void append_to_log(const char* message, size_t bytes) {
  if (log_position + (off_t)bytes > log_bytes) log_position = 0;
  ssize_t written = pwrite(log_fd, message, bytes, log_position);
  if (written != (ssize_t)bytes) die("the log", written < 0 ? errno : EIO);
  if (fdatasync(log_fd) != 0) die("fdatasync", errno);
  log_position += written;
}

static void watch(struct connection* connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0) die("epoll_ctl", errno);
}

static void end(struct connection* connection) {
  close(connection->fd);  // leaves the epoll set by that
  free(connection);
  connections--;
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EMFILE || errno == ENFILE) return;
      die("accept", errno);
    }
    struct connection* connection = connections < kMaxConnections ? malloc(sizeof(*connection)) : NULL;
    if (connection == NULL) {
      close(fd);
      continue;
    }
    connections++;
    connection->fd = fd;
    connection->owed = 0;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  }
}

// Sends what is owed. Returns false when the connection is lost.
static bool flush_owed(struct connection* connection) {
  while (connection->sent < connection->owed) {
    ssize_t n = send(connection->fd, connection->buffer + connection->sent, connection->owed - connection->sent, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    connection->sent += (int)n;
  }
  connection->owed = 0;
  return true;
}

static void serve(struct connection* connection) {
  bool was_owing = connection->owed > 0;
  if (!was_owing) {
    ssize_t n = recv(connection->fd, connection->buffer, kBufferBytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      end(connection);
      return;
    }
    if (log_fd >= 0) append_to_log(connection->buffer, (size_t)n);
    connection->owed = (int)n;
    connection->sent = 0;
  }
  if (!flush_owed(connection)) {
    end(connection);
    return;
  }
  bool owing = connection->owed > 0;
  if (owing != was_owing) watch(connection, EPOLL_CTL_MOD, owing ? EPOLLOUT : EPOLLIN);
}

int main(int argc, char** argv) {
  struct options options = read_options(argc, argv);
  if (options.log != NULL) open_log(options.log);
  int listener = listen_on_loopback(options.port, SOCK_NONBLOCK);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1", errno);
  struct epoll_event on_listener = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &on_listener) != 0) die("epoll_ctl", errno);
  say_listening(listener);

  struct epoll_event events[kEvents];
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, kEvents, options.busy ? 0 : -1);
    if (ready < 0 && errno != EINTR) die("epoll_wait", errno);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL) {
        accept_all(listener);
      } else {
        serve(events[i].data.ptr);
      }
    }
  }
}
