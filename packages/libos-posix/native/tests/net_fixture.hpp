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

#include "../posix_engine.hpp"
#include "demi/runtime.hpp"

namespace net {

using namespace demi;

struct Completion {
  std::int32_t result = 0;
  std::int32_t value = 0;
  Qd qd = 0;
};

// A small arena by default, so that running out of it is cheap to test.
inline Limits small_limits() {
  Limits limits;
  limits.ring_entries = 1024;
  limits.tokens = 4096;
  limits.queues = 1024;
  limits.classes = {{256, 512}, {4096, 512}, {65536, 64}, {1u << 20, 8}};
  return limits;
}

class Libos {
 public:
  explicit Libos(const char* engine, const Limits& limits = small_limits()) : limits_(limits), runtime_(limits) {
    std::string message;
    int error = 0;
    auto made = posix::PosixEngine::make(runtime_, {{"engine", engine}}, message, error);
    REQUIRE_MESSAGE(made, message);
    runtime_.set_engine(std::move(made));
  }

  Runtime& runtime() { return runtime_; }
  Arena& arena() { return runtime_.arena(); }

  // ---- submission entries -------------------------------------------------------------------------------------------
  Qt submit(std::int32_t op, Qd qd, std::int32_t argument, int flags = 0) {
    const Qt qt = (flags & layout::kFlagQuiet) != 0 ? 0 : new_token();
    entry(op | flags << 8, qd, qt, argument);
    return qt;
  }
  Qt push(Qd qd, Sga sga, int flags = layout::kFlagFree) { return submit(layout::kOpPush, qd, sga, flags); }
  Qt pop(Qd qd, std::int32_t limit = 0) { return submit(layout::kOpPop, qd, limit); }
  Qt accept(Qd qd) { return submit(layout::kOpAccept, qd, 0); }
  void free(Sga sga) { entry(layout::kOpFree, 0, 0, sga); }
  Qt connect(Qd qd, const std::string& host, int port) {
    const Qt qt = new_token();
    Address to;
    REQUIRE(Address::parse(host, port, to) == 0);
    REQUIRE(runtime_.connect(qd, qt, to) == 0);
    return qt;
  }

  // ---- queues ----------------------------------------------------------------------------------------------------------
  Qd socket(SocketKind kind = SocketKind::kStream, int family = 4, const char* framing = "stream",
            std::uint32_t max = 1 << 20) {
    int error = 0;
    auto queue = runtime_.engine()->socket({kind, family, framing, max}, error);
    REQUIRE(queue);
    const Qd qd = runtime_.adopt(std::move(queue));
    REQUIRE(qd > 0);
    return qd;
  }
  int bind(Qd qd, const std::string& host, int port = 0) {
    Address to;
    REQUIRE(Address::parse(host, port, to) == 0);
    return runtime_.find(qd)->bind(to);
  }
  // A listening socket on a port of the kernel's choice.
  Qd listener(int family = 4, const char* framing = "stream", int backlog = 128) {
    const Qd qd = socket(SocketKind::kStream, family, framing);
    REQUIRE(bind(qd, family == 6 ? "::1" : "127.0.0.1") == 0);
    REQUIRE(runtime_.find(qd)->listen(backlog) == 0);
    return qd;
  }
  int port(Qd qd) {
    Address a;
    REQUIRE(runtime_.find(qd)->local_address(a) == 0);
    return a.port;
  }

  // ---- memory ------------------------------------------------------------------------------------------------------------
  Sga from(const std::string& text) {
    const std::uint32_t size = static_cast<std::uint32_t>(text.size());
    const Sga sga = runtime_.alloc_chain({&size, 1});
    REQUIRE(sga != 0);
    std::memcpy(arena().slot_start(sga), text.data(), text.size());
    return sga;
  }
  std::string text(Sga sga) {
    std::string out;
    arena().for_each_segment(
        sga, [&](std::span<std::uint8_t> s) { out.append(reinterpret_cast<const char*>(s.data()), s.size()); });
    return out;
  }
  // A popped sga as text, freed.
  std::string take(const Completion& c) {
    if (c.value == 0) return {};
    std::string out = text(c.value);
    free(c.value);
    return out;
  }

  // ---- completions --------------------------------------------------------------------------------------------------------
  void turn(std::uint32_t wait_us = 0) {
    runtime_.poll(wait_us);
    std::int32_t* c = runtime_.control();
    const std::int32_t* cq = c + c[layout::kWordCqBase];
    const auto mask = static_cast<std::uint32_t>(c[layout::kWordCqEntries]) - 1;
    auto head = static_cast<std::uint32_t>(c[layout::kWordCqHead]);
    for (; head != static_cast<std::uint32_t>(c[layout::kWordCqTail]); ++head) {
      const std::int32_t* e = cq + (head & mask) * layout::kEntryWords;
      done_[e[layout::kCqeQt]] = {e[layout::kCqeResult], e[layout::kCqeValue], e[layout::kCqeQd]};
      outstanding_.erase(e[layout::kCqeQt]);
      order_.push_back(e[layout::kCqeQt]);
    }
    c[layout::kWordCqHead] = static_cast<std::int32_t>(head);
    for (std::int32_t i = 0; i < c[layout::kWordReturnedCount]; ++i)
      outstanding_.erase((c + c[layout::kWordReturnedBase])[i]);
    c[layout::kWordReturnedCount] = 0;
  }
  bool done(Qt qt) const { return done_.count(qt) != 0; }
  Completion wait(Qt qt, int timeout_ms = 5000) {
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
    runtime_.submit();
    return runtime_.close(qd);
  }
  const std::vector<Qt>& order() const { return order_; }

  double stat(const char* name) {
    double found = -1;
    runtime_.stats([&](const char* n, double value) {
      if (std::strcmp(n, name) == 0) found = value;
    });
    return found;
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
  Qt new_token() {
    for (;;) {
      next_ = (next_ + 1) % static_cast<std::int32_t>(limits_.tokens);
      if (next_ == 0) ++generation_;
      const Qt qt = generation_ << layout::kTokenIndexBits | next_;
      bool busy = false;
      for (const auto& [t, index] : outstanding_) busy = busy || index == next_;
      if (busy) continue;
      outstanding_[qt] = next_;
      return qt;
    }
  }
  void entry(std::int32_t op, Qd qd, Qt qt, std::int32_t argument) {
    std::int32_t* c = runtime_.control();
    const auto tail = static_cast<std::uint32_t>(c[layout::kWordSqTail]);
    if (tail - static_cast<std::uint32_t>(c[layout::kWordSqHead]) == limits_.ring_entries) runtime_.submit();
    std::int32_t* e = c + c[layout::kWordSqBase] + (tail & (limits_.ring_entries - 1)) * layout::kEntryWords;
    e[layout::kSqeOp] = op;
    e[layout::kSqeQd] = qd;
    e[layout::kSqeQt] = qt;
    e[layout::kSqeArg] = argument;
    c[layout::kWordSqTail] = static_cast<std::int32_t>(tail + 1);
  }

  Limits limits_;
  Runtime runtime_;
  std::int32_t next_ = 0;
  std::int32_t generation_ = 1;
  std::map<Qt, std::int32_t> outstanding_;
  std::map<Qt, Completion> done_;
  std::vector<Qt> order_;
};

// ---- the peer: plain kernel sockets ----------------------------------------------------------------------------------------

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
  explicit Pair(Libos& os, const char* framing = "stream", int family = 4)
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

}  // namespace net
