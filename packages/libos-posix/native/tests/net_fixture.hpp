// Drives a Runtime with the posix engine as JavaScript would, through the rings, against real kernel sockets.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "application.hpp"
#include "posix_engine.hpp"
#include "skipped.hpp"
#include "uring_driver.hpp"

namespace demi::posix::test {

using demi::test::Completion;

// Small, so that running out of it is cheap to test.
inline Limits small_limits() {
  Limits limits;
  limits.ring_entries = 1024;
  limits.tokens = 4096;
  limits.queues = 1024;
  limits.classes = {{256, 512}, {4096, 512}, {65536, 64}, {1u << 20, 8}};
  return limits;
}

// By name: "epoll", "io_uring", and io_uring as it is on other kernels and at its limits: "without deferred completions",
// "tiny ring".
inline std::unique_ptr<Engine> make_engine(Runtime& runtime, const std::string& engine, std::string& message) {
  const auto started = [&](PosixEngine::DriverFactory open) {
    Failure failure;
    auto made = PosixEngine::start(runtime, open, failure);
    message = failure.message;
    return made;
  };
  if (engine == "without deferred completions") {
    const auto open = [](posix::Context& context, std::string& m, int& e) -> std::unique_ptr<posix::Driver> {
      return posix::UringDriver::open(context, {512, 8192, false}, m, e);
    };
    return started(open);
  }
  if (engine == "tiny ring") {
    const auto open = [](posix::Context& context, std::string& m, int& e) -> std::unique_ptr<posix::Driver> {
      return posix::UringDriver::open(context, {4, 8, true}, m, e);
    };
    return started(open);
  }
  Failure failure;
  const auto device = open_device({{"engine", engine}}, failure);
  auto made = device ? device->start(runtime, failure) : nullptr;
  message = failure.message;
  return made;
}

// Empty when the engine runs here, else why it does not.
inline std::string why_not(const char* engine) {
  Runtime runtime(small_limits());
  std::string message;
  return make_engine(runtime, engine, message) ? std::string() : message;
}

class Libos {
 public:
  explicit Libos(const char* engine, const Limits& limits = small_limits()) : app_(limits) {
    std::string message;
    auto made = make_engine(runtime(), engine, message);
    REQUIRE_MESSAGE(made, message);
    REQUIRE(app_.add(std::move(made)));
  }

  Runtime& runtime() { return app_.runtime(); }
  Arena& arena() { return app_.arena(); }

  // ---- operations ---------------------------------------------------------------------------------------------------
  Qt push(Qd qd, Sga sga, int flags = layout::kFlagFree) { return app_.push(qd, sga, flags); }
  Qt pop(Qd qd, std::int32_t limit = 0) { return app_.pop(qd, limit); }
  Qt accept(Qd qd) { return app_.start(layout::kOpAccept, qd, 0); }
  void free(Sga sga) { app_.free(sga); }
  Qt connect(Qd qd, const std::string& host, int port) {
    const Qt qt = app_.take_token();
    Address to;
    REQUIRE(Address::parse(host, port, to) == 0);
    REQUIRE(runtime().connect(qd, qt, to) == 0);
    return qt;
  }

  // ---- queues -------------------------------------------------------------------------------------------------------
  Qd socket(SocketKind kind = SocketKind::kStream, int family = 4, Framing framing = Framing::kStream,
            std::uint32_t max = 1 << 20) {
    int error = 0;
    auto queue = runtime().engines().socket({kind, family, framing, max}, error);
    REQUIRE(queue);
    const Qd qd = runtime().adopt(std::move(queue));
    REQUIRE(qd > 0);
    return qd;
  }
  int bind(Qd qd, const std::string& host, int port = 0) {
    Address to;
    REQUIRE(Address::parse(host, port, to) == 0);
    return runtime().find(qd)->bind(to);
  }
  // A listening socket on a port of the kernel's choice.
  Qd listener(int family = 4, Framing framing = Framing::kStream, int backlog = 128) {
    const Qd qd = socket(SocketKind::kStream, family, framing);
    REQUIRE(bind(qd, family == 6 ? "::1" : "127.0.0.1") == 0);
    REQUIRE(runtime().find(qd)->listen(backlog) == 0);
    return qd;
  }
  int port(Qd qd) {
    Address a;
    REQUIRE(runtime().find(qd)->local_address(a) == 0);
    return a.port;
  }

  // ---- memory -------------------------------------------------------------------------------------------------------
  Sga from(const std::string& text) {
    const Sga sga = app_.from(text);
    REQUIRE(sga != 0);
    return sga;
  }
  std::string text(Sga sga) { return app_.text(sga); }
  // A popped sga as text, freed.
  std::string take(const Completion& c) {
    if (c.value == 0) return {};
    std::string out = text(c.value);
    free(c.value);
    return out;
  }

  // ---- completions --------------------------------------------------------------------------------------------------
  void turn(std::uint32_t wait_us = 0) {
    for (const Completion& c : app_.turn(wait_us)) done_[c.qt] = c;
    app_.returned();
  }
  bool done(Qt qt) const { return done_.count(qt) != 0; }
  Completion wait(Qt qt, int timeout_ms = 20000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!done(qt) && std::chrono::steady_clock::now() < end) turn(2000);
    REQUIRE_MESSAGE(done(qt), "operation did not complete");
    const Completion c = done_[qt];
    done_.erase(qt);
    return c;
  }
  void spin(int ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    do turn(1000);
    while (std::chrono::steady_clock::now() < end);
  }
  int close(Qd qd) {
    runtime().submit();
    return runtime().close(qd);
  }
  double stat(const char* name) {
    const auto all = app_.stats();
    const auto found = all.find(name);
    REQUIRE(found != all.end());
    return found->second;
  }

  // Everything closed and freed: nothing may be held any more.
  void check_clean() {
    for (int i = 0; i < 200 && (stat("deviceSlots") != 0 || stat("outstanding") != 0); ++i) turn(1000);
    CHECK(stat("outstanding") == 0);
    CHECK(stat("queues") == 0);
    CHECK(stat("deviceSlots") == 0);
    CHECK(stat("appSlots") == 0);
  }

 private:
  demi::test::Application app_;
  std::map<Qt, Completion> done_;
};

// ---- the peer: plain kernel sockets ---------------------------------------------------------------------------------

class Peer {
 public:
  explicit Peer(int fd = -1) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Peer() { close(); }

  static Peer to(int port, int family = 4) {
    Peer peer(::socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Address a;
    REQUIRE(Address::parse(family == 6 ? "::1" : "127.0.0.1", port, a) == 0);
    sockaddr_storage s;
    const socklen_t n = a.to_sockaddr(s);
    REQUIRE(::connect(peer.fd_, reinterpret_cast<sockaddr*>(&s), n) == 0);
    return peer;
  }

  int fd() const { return fd_; }
  void send(const std::string& text) {
    REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  // What is there within the timeout, up to `most`; "" at the end of the stream or when nothing came.
  std::string receive(std::size_t most = 65536, int timeout_ms = 2000) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, timeout_ms) <= 0) return {};
    std::string out(most, 0);
    const ssize_t n = ::recv(fd_, out.data(), most, 0);
    error = n < 0 ? errno : 0;
    ended = n == 0;
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  void shutdown_write() { REQUIRE(::shutdown(fd_, SHUT_WR) == 0); }
  void reset() {
    const linger l{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool ended = false;
  int error = 0;

 private:
  int fd_;
};

// A listener of the libOS, a peer and the connection between them.
struct Pair {
  explicit Pair(Libos& os, Framing framing = Framing::kStream, int family = 4)
      : os(os), listener(os.listener(family, framing)) {
    const Qt qt = os.accept(listener);
    os.turn();
    peer = std::make_unique<Peer>(Peer::to(os.port(listener), family));
    const Completion c = os.wait(qt);
    REQUIRE(c.result == 0);
    qd = c.value;
  }
  void close() {
    os.close(qd);
    os.close(listener);
    peer->close();
  }
  Libos& os;
  Qd listener;
  Qd qd = 0;
  std::unique_ptr<Peer> peer;
};

inline void run_on(const char* engine, const char* test, void (*body)(const char* engine)) {
  if (const std::string reason = why_not(engine); !reason.empty()) {
    demi::test::skipped(std::string(test) + ", " + engine, reason);
    return;
  }
  body(engine);
}

}  // namespace demi::posix::test

// A test that runs with each driver, and gets its name in `engine`.
#define ON_EACH_ENGINE(name)                                                                       \
  static void name(const char* engine);                                                            \
  TEST_CASE("net: " #name " (epoll)") { name("epoll"); }                                           \
  TEST_CASE("net: " #name " (io_uring)") { demi::posix::test::run_on("io_uring", #name, name); }   \
  TEST_CASE("net: " #name " (tiny ring)") { demi::posix::test::run_on("tiny ring", #name, name); } \
  TEST_CASE("net: " #name " (without deferred completions)") {                                     \
    demi::posix::test::run_on("without deferred completions", #name, name);                        \
  }                                                                                                \
  static void name(const char* engine)
