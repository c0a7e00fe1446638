// A libOS over real kernel sockets on the loopback, and peers that are plain sockets.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "application.hpp"
#include "posix_engine.hpp"
#include "skipped.hpp"
#include "wire.hpp"

namespace demi::test {

inline constexpr const char* kEngines[] = {"epoll", "io_uring"};

class Sockets {
 public:
  explicit Sockets(const char* engine, const Limits& limits = small_limits()) : app(limits) {
    Failure failure;
    auto made = posix::open_device({{"engine", engine}}, failure)->start(app.runtime(), failure);
    why_not = failure.message;
    usable = made != nullptr && app.add(std::move(made));
  }

  Qd socket(SocketKind kind, Framing framing, std::uint32_t max_message = 1u << 20, int family = 4) {
    int error = 0;
    auto queue = app.runtime().engines().socket({kind, family, framing, max_message}, error);
    return queue ? app.runtime().adopt(std::move(queue)) : error;
  }
  static Address loopback(std::uint16_t port = 0) {
    Address out;
    Address::parse("127.0.0.1", port, out);
    return out;
  }
  // A listening or bound socket and its port.
  std::pair<Qd, std::uint16_t> bound(SocketKind kind, Framing framing, std::uint32_t max_message = 1u << 20) {
    const Qd qd = socket(kind, framing, max_message);
    REQUIRE(qd > 0);
    Queue& queue = *app.runtime().find(qd);
    REQUIRE(queue.bind(loopback()) == 0);
    if (kind == SocketKind::kStream) REQUIRE(queue.listen(16) == 0);
    Address at;
    REQUIRE(queue.local_address(at) == 0);
    return {qd, at.port};
  }

  // Turns until nothing is held any more; false when something stays.
  bool settle() {
    for (int i = 0; i < 2000; ++i) {
      app.turn(1000);
      app.returned();
      app.free_all();
      if (app.at_rest()) return true;
    }
    return false;
  }

  Application app;
  bool usable = false;
  std::string why_not;
};

// Runs `body` with each engine; one that this machine has not is reported as skipped, with the reason.
template <class F>
void with_each_engine(const char* test, F&& body) {
  for (const char* engine : kEngines) {
    if (Sockets probe(engine); !probe.usable) {
      skipped(std::string(test) + ", " + engine, probe.why_not);
      continue;
    }
    CAPTURE(std::string(engine));
    body(engine);
  }
}

// A TCP peer that is not ours: the kernel's plain socket, never blocking.
class Peer {
 public:
  Peer() = default;
  explicit Peer(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_storage to;
    const socklen_t length = Sockets::loopback(port).to_sockaddr(to);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), length) == 0);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Peer() { close(); }

  // Bytes the kernel took, 0 when it takes none now, a negative errno.
  ssize_t send(const std::uint8_t* data, std::size_t bytes) {
    const ssize_t n = ::send(fd_, data, bytes, MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
  }
  // Appends what has arrived. -EAGAIN when nothing has, 0 at the end of the stream.
  ssize_t receive(Bytes& out, std::size_t most = 65536) {
    const std::size_t before = out.size();
    out.resize(before + most);
    const ssize_t n = ::recv(fd_, out.data() + before, most, 0);
    out.resize(before + (n > 0 ? static_cast<std::size_t>(n) : 0));
    return n >= 0 ? n : -errno;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace demi::test
