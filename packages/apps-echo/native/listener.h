// What both echo servers begin with: their options, the listening socket, the end.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct options {
  int port;         // 0: the kernel chooses, and the line "listening" says which
  bool busy;        // spin instead of sleeping
  const char* log;  // NULL, or a file: every message is made durable there before it is sent back
};

static void die(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

static struct options read_options(int argc, char** argv) {
  struct options options = {0, false, NULL};
  for (int i = 1; i < argc; i++) {
    char* end = NULL;
    if (strcmp(argv[i], "--busy") == 0) {
      options.busy = true;
    } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
      long port = strtol(argv[++i], &end, 10);
      if (*end != '\0' || port < 0 || port > 65535) die(argv[i], EINVAL);
      options.port = (int)port;
    } else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc) {
      options.log = argv[++i];
    } else {
      fprintf(stderr, "usage: %s [--port N] [--busy] [--log FILE]\n", argv[0]);
      exit(2);
    }
  }
  return options;
}

static void end_quietly(int signal) {
  (void)signal;
  _exit(0);  // nothing is held that the kernel does not take back
}

// A listener on the loopback. Accepted sockets inherit TCP_NODELAY from it.
static int listen_on_loopback(int port, int flags) {
  signal(SIGTERM, end_quietly);
  signal(SIGINT, end_quietly);
  signal(SIGPIPE, SIG_IGN);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) die("socket", errno);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) die("TCP_NODELAY", errno);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr*)&address, sizeof(address)) != 0) die("bind", errno);
  if (listen(fd, 1024) != 0) die("listen", errno);
  return fd;
}

// Tells whoever started the server that it is ready, and where.
static void say_listening(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof(address);
  if (getsockname(fd, (struct sockaddr*)&address, &size) != 0) die("getsockname", errno);
  printf("listening 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
}
