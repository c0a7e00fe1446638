// Load generator for echo servers: a closed loop over TCP that checks every byte, and prints one line of JSON.
//
//   echo_load --port N [--host A] [--connections N] [--depth N] [--size BYTES] [--seconds S] [--warmup S] [--busy] [--pid SERVER]
//
// Each connection keeps `depth` messages under way. The warm-up is not counted, and --pid reads the server's CPU time at exactly
// the two ends of the counted interval. Latencies are microseconds, from the first byte handed to the kernel to the last one back.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cpu_time.h"
#include "histogram.h"

enum { kMaxConnections = 4096, kMaxDepth = 1024, kMaxSize = 1 << 20, kPatternBytes = 1 << 16, kEvents = 256 };
static const uint64_t kSecond = 1000000000ull;

struct options {
  const char* host;
  const char* port;
  int connections, depth, size, pid;
  double seconds, warmup;
  bool busy;
};

struct connection {
  int fd;
  uint32_t number;
  uint64_t sending, sent_bytes;        // message to send next, and how much of it is sent
  uint64_t receiving, received_bytes;  // message to come back next, and how much of it has
  bool wrong;                          // a byte of that message differed
  bool blocked;                        // the socket takes no more for now
  uint64_t* sent_at;                   // by message modulo depth
};

static struct options options = {"127.0.0.1", NULL, 1, 1, 64, 0, 1.0, 0.2, false};
static char* pattern;  // random bytes; a message is a window of it
static char* scratch;
static int epoll_fd;
static struct histogram latency;
static uint64_t mismatches = 0;
static uint64_t now;

static void die(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static uint64_t clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * kSecond + (uint64_t)time.tv_nsec;
}

// What message `index` of a connection holds: a place in the pattern that differs from its neighbours' and other connections'.
static const char* content(const struct connection* connection, uint64_t index) {
  uint32_t mixed = (connection->number * 2654435761u) ^ ((uint32_t)index * 40503u);
  return pattern + (mixed ^ (mixed >> 15)) % kPatternBytes;
}

static void watch(struct connection* connection, bool blocked) {
  if (connection->blocked == blocked) return;
  connection->blocked = blocked;
  struct epoll_event event = {.events = EPOLLIN | (blocked ? EPOLLOUT : 0), .data.ptr = connection};
  if (!options.busy) epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void send_more(struct connection* connection) {
  while (connection->sending < connection->receiving + (uint64_t)options.depth) {
    if (connection->sent_bytes == 0) connection->sent_at[connection->sending % options.depth] = clock_now();
    const char* from = content(connection, connection->sending) + connection->sent_bytes;
    ssize_t n = send(connection->fd, from, options.size - connection->sent_bytes, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) die("send", strerror(errno));
      watch(connection, true);
      return;
    }
    connection->sent_bytes += (uint64_t)n;
    if (connection->sent_bytes < (uint64_t)options.size) continue;
    connection->sent_bytes = 0;
    connection->sending++;
  }
  watch(connection, false);
}

static void check(struct connection* connection, const char* bytes, size_t length) {
  while (length > 0) {
    if (connection->receiving == connection->sending && connection->sent_bytes == 0)
      die("echo", "more bytes than were sent");
    size_t rest = (size_t)options.size - connection->received_bytes;
    size_t part = length < rest ? length : rest;
    const char* expected = content(connection, connection->receiving) + connection->received_bytes;
    if (memcmp(bytes, expected, part) != 0) connection->wrong = true;
    bytes += part;
    length -= part;
    connection->received_bytes += part;
    if (connection->received_bytes < (uint64_t)options.size) return;
    record(&latency, now - connection->sent_at[connection->receiving % options.depth]);
    if (connection->wrong) mismatches++;
    connection->wrong = false;
    connection->received_bytes = 0;
    connection->receiving++;
  }
}

// Takes what has arrived. Returns false when nothing had.
static bool receive(struct connection* connection) {
  ssize_t n = recv(connection->fd, scratch, kMaxSize, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0) die("recv", strerror(errno));
  if (n == 0) die("echo", "the server closed the connection");
  now = clock_now();
  check(connection, scratch, (size_t)n);
  return true;
}

// One turn over what is ready. Returns false when nothing was.
static bool turn(struct connection* connections) {
  bool any = false;
  if (options.busy) {
    for (int i = 0; i < options.connections; i++) {
      if (receive(&connections[i])) any = true;
      send_more(&connections[i]);
    }
    return any;
  }
  struct epoll_event events[kEvents];
  int ready = epoll_wait(epoll_fd, events, kEvents, 100);
  if (ready < 0 && errno != EINTR) die("epoll_wait", strerror(errno));
  for (int i = 0; i < ready; i++) {
    if (receive(events[i].data.ptr)) any = true;
    send_more(events[i].data.ptr);
  }
  return any;
}

static void run_until(struct connection* connections, uint64_t end) {
  uint64_t last = clock_now();
  for (now = last; now < end;) {
    if (turn(connections)) {
      last = now;
    } else {
      now = clock_now();
      if (now - last > 5 * kSecond) die("echo", "no reply for 5 seconds");
    }
  }
}

static void open_connection(struct connection* connection, int number, const struct addrinfo* to) {
  int on = 1;
  connection->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("socket", strerror(errno));
  if (connect(connection->fd, to->ai_addr, to->ai_addrlen) != 0) die("connect", strerror(errno));
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  connection->number = (uint32_t)number + 1;
  connection->sent_at = calloc((size_t)options.depth, sizeof(uint64_t));
  if (connection->sent_at == NULL) die("calloc", strerror(ENOMEM));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) die("epoll_ctl", strerror(errno));
}

static double number_between(const char* name, const char* text, double least, double most) {
  char* end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least && value <= most)) die(name, "not a number within its limits");
  return value;
}

static void read_options(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    const char* name = argv[i];
    if (strcmp(name, "--busy") == 0) {
      options.busy = true;
      continue;
    }
    const char* value = ++i < argc ? argv[i] : "";
    if (strcmp(name, "--host") == 0)
      options.host = value;
    else if (strcmp(name, "--port") == 0)
      options.port = value;
    else if (strcmp(name, "--connections") == 0)
      options.connections = (int)number_between(name, value, 1, kMaxConnections);
    else if (strcmp(name, "--depth") == 0)
      options.depth = (int)number_between(name, value, 1, kMaxDepth);
    else if (strcmp(name, "--size") == 0)
      options.size = (int)number_between(name, value, 1, kMaxSize);
    else if (strcmp(name, "--seconds") == 0)
      options.seconds = number_between(name, value, 0.01, 3600);
    else if (strcmp(name, "--warmup") == 0)
      options.warmup = number_between(name, value, 0, 60);
    else if (strcmp(name, "--pid") == 0)
      options.pid = (int)number_between(name, value, 1, 1 << 30);
    else
      die(name, "unknown option");
  }
  if (options.port == NULL) die("--port", "missing");
}

int main(int argc, char** argv) {
  read_options(argc, argv);
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo* to;
  int error = getaddrinfo(options.host, options.port, &hints, &to);
  if (error != 0) die(options.host, gai_strerror(error));
  pattern = malloc(kPatternBytes + kMaxSize);
  scratch = malloc(kMaxSize);
  struct connection* connections = calloc((size_t)options.connections, sizeof(*connections));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (pattern == NULL || scratch == NULL || connections == NULL || epoll_fd < 0) die("setup", strerror(errno));
  uint32_t state = 1;
  for (int i = 0; i < kPatternBytes + kMaxSize; i++)
    pattern[i] = (char)((state = state * 1664525u + 1013904223u) >> 24);
  for (int i = 0; i < options.connections; i++) open_connection(&connections[i], i, to);
  freeaddrinfo(to);

  for (int i = 0; i < options.connections; i++) send_more(&connections[i]);
  run_until(connections, clock_now() + (uint64_t)(options.warmup * 1e9));
  memset(&latency, 0, sizeof(latency));
  long long cpu_before = options.pid != 0 ? process_cpu_nanoseconds(options.pid) : -1;
  uint64_t start = clock_now();
  run_until(connections, start + (uint64_t)(options.seconds * 1e9));
  // On a machine with other work a short time may be over before its first message is.
  for (uint64_t limit = clock_now() + 5 * kSecond; latency.count == 0 && clock_now() < limit;)
    run_until(connections, clock_now() + kSecond / 100);
  double seconds = (double)(clock_now() - start) / 1e9;
  long long cpu_after = options.pid != 0 ? process_cpu_nanoseconds(options.pid) : -1;
  if (options.pid != 0 && (cpu_before < 0 || cpu_after < 0)) die("--pid", "the server's CPU time cannot be read");
  if (latency.count == 0) die("echo", "no message came back");

  printf("{\"requests\":%llu,\"seconds\":%.6f,\"reqPerSec\":%.1f,", (unsigned long long)latency.count, seconds,
         (double)latency.count / seconds);
  printf("\"min\":%.3f,\"avg\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f,", (double)latency.min / 1e3,
         (double)latency.sum / (double)latency.count / 1e3, quantile(&latency, 0.5) / 1e3,
         quantile(&latency, 0.99) / 1e3, quantile(&latency, 0.999) / 1e3, (double)latency.max / 1e3);
  if (options.pid != 0) printf("\"serverCpuNs\":%lld,", cpu_after - cpu_before);
  printf("\"mismatches\":%llu,\"buckets\":", (unsigned long long)mismatches);
  print_buckets(&latency);
  printf("}\n");
  if (mismatches == 0) return 0;
  fprintf(stderr, "%llu messages came back wrong\n", (unsigned long long)mismatches);
  return 3;
}
