// The least a server does whose replies wait for the disk: it reads requests, writes them to a file, and answers each with +OK once it is durable. It
// knows no command, keeps nothing, and takes what one read gives for one request. What came while one write was under way goes down with the next
// (group commit), by a thread of its own; the file was written before, so that no write waits for the file system's journal.
//
//   group_commit PORT FILE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kClients = 1024, kRequest = 512, kFile = 64 << 20, kAtOnce = 64 };

struct batch {
  char bytes[kClients * kRequest];
  size_t length;
  int clients[kClients];
  int count;
};

static struct batch batches[2];
static struct batch* writing;
static off_t position;
static int file, done;
static sem_t work;

static void check(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void* writer(void* unused) {
  const uint64_t one = 1;
  for (;;) {
    while (sem_wait(&work) != 0) {
    }
    if (pwrite(file, writing->bytes, writing->length, position) != (ssize_t)writing->length) check(-1, "pwrite");
    check((int)write(done, &one, sizeof one), "eventfd");
  }
  return unused;
}

static void prepare(const char* path) {
  static char zeros[1 << 20];
  file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(file, path);
  for (off_t at = 0; at < kFile; at += (off_t)sizeof zeros) check((int)pwrite(file, zeros, sizeof zeros, at), path);
  check(fsync(file), path);
  close(file);
  file = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
  check(file, path);
}

static void watch(int poll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  check(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static int listen_on(int port) {
  const int one = 1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  check(fd, "socket");
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "SO_REUSEADDR");
  check(bind(fd, (const struct sockaddr*)&address, sizeof address), "bind");
  check(listen(fd, 128), "listen");
  return fd;
}

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "group_commit PORT FILE\n");
    return 2;
  }
  const int one = 1;
  prepare(arguments[2]);
  const int listener = listen_on(atoi(arguments[1]));
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  check(poll, "epoll_create1");
  done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  check(done, "eventfd");
  watch(poll, listener);
  watch(poll, done);
  sem_init(&work, 0, 0);
  pthread_t thread;
  if (pthread_create(&thread, NULL, writer, NULL) != 0) check(-1, "pthread_create");
  printf("ready\n");
  fflush(stdout);

  struct batch* filling = &batches[0];
  for (;;) {
    struct epoll_event events[kAtOnce];
    const int ready = epoll_wait(poll, events, kAtOnce, -1);
    for (int i = 0; i < ready; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) continue;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(poll, client);
      } else if (fd == done) {
        uint64_t ended;
        if (read(done, &ended, sizeof ended) < 0) continue;
        for (int n = 0; n < writing->count; n++) {
          // Who has gone is found out when it is read from.
          if (send(writing->clients[n], "+OK\r\n", 5, MSG_NOSIGNAL) < 0) continue;
        }
        position = position + (off_t)writing->length > kFile - (off_t)sizeof writing->bytes
                       ? 0
                       : position + (off_t)writing->length;
        writing->length = 0;
        writing->count = 0;
        writing = NULL;
      } else if (filling->count < kClients) {
        const ssize_t length = read(fd, filling->bytes + filling->length, kRequest);
        if (length <= 0) {
          close(fd);
          continue;
        }
        filling->length += (size_t)length;
        filling->clients[filling->count++] = fd;
      }
    }
    if (writing == NULL && filling->count != 0) {
      writing = filling;
      filling = filling == &batches[0] ? &batches[1] : &batches[0];
      sem_post(&work);
    }
  }
}
