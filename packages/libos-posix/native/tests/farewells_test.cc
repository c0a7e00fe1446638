// Connections of the loopback, handed over with bytes on their way.
#include "farewells.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace farewells_test {

using demi::posix::Farewells;
using Clock = std::chrono::steady_clock;

namespace {

struct Pair {
  int ours = -1;
  int peer = -1;

  Pair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&at), length) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length) == 0);
    peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(peer, reinterpret_cast<sockaddr*>(&at), length) == 0);
    ours = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(ours >= 0);
    ::close(listener);
  }
  ~Pair() {
    if (ours >= 0) ::close(ours);
    if (peer >= 0) ::close(peer);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // As much as the kernel takes while the peer reads nothing.
  std::size_t fill() const {
    const std::string block(65536, 'x');
    std::size_t bytes = 0;
    for (;;) {
      const ssize_t n = ::send(ours, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n <= 0) return bytes;
      bytes += static_cast<std::size_t>(n);
    }
  }
  int hand_over() { return std::exchange(ours, -1); }
  // What the peer reads until the end, and 0 or the errno it ended with.
  std::pair<std::size_t, int> read_all() const {
    std::vector<char> to(1 << 20);
    for (std::size_t bytes = 0;;) {
      const ssize_t n = ::recv(peer, to.data(), to.size(), 0);
      if (n <= 0) return {bytes, n == 0 ? 0 : errno};
      bytes += static_cast<std::size_t>(n);
    }
  }
};

bool over(const Farewells& farewells, std::chrono::seconds within = std::chrono::seconds(20)) {
  for (const auto end = Clock::now() + within; farewells.under_way() != 0;) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace

TEST_CASE("farewell: what was sent arrives though the peer's bytes were not read, and more of them come") {
  Farewells farewells;
  Pair pair;
  REQUIRE(::send(pair.peer, "unread", 6, 0) == 6);
  const std::size_t sent = pair.fill();
  farewells.take(pair.hand_over(), -1);
  CHECK(farewells.under_way() == 1);
  for (int i = 0; i < 50; ++i) REQUIRE(::send(pair.peer, "more", 4, MSG_NOSIGNAL) == 4);
  const auto [read, error] = pair.read_all();
  CHECK(read == sent);
  CHECK(error == 0);
  ::close(std::exchange(pair.peer, -1));
  CHECK(over(farewells));
}

TEST_CASE("farewell: a peer that has ended keeps nobody") {
  Farewells farewells;
  Pair pair;
  REQUIRE(::shutdown(pair.peer, SHUT_WR) == 0);
  const std::size_t sent = pair.fill();
  farewells.take(pair.hand_over(), -1);
  CHECK(farewells.under_way() == 0);
  CHECK(pair.read_all() == std::pair<std::size_t, int>{sent, 0});
}

TEST_CASE("farewell: what is acknowledged and quiet ends at once, what has spoken after a second of silence") {
  Farewells farewells;
  Pair quiet;
  REQUIRE(::send(quiet.ours, "all", 3, 0) == 3);
  auto begun = Clock::now();
  farewells.take(quiet.hand_over(), -1);
  CHECK(over(farewells));
  CHECK(Clock::now() - begun < Farewells::kPatience);
  Pair spoken;
  REQUIRE(::send(spoken.ours, "all", 3, 0) == 3);
  REQUIRE(::send(spoken.peer, "unread", 6, 0) == 6);
  begun = Clock::now();
  farewells.take(spoken.hand_over(), -1);
  CHECK(over(farewells));
  CHECK(Clock::now() - begun >= Farewells::kSilence);
  for (const Pair* pair : {&quiet, &spoken}) CHECK(pair->read_all() == std::pair<std::size_t, int>{3, 0});
}

TEST_CASE("farewell: linger is how long; then the peer is reset. take() waits for nothing") {
  Farewells farewells;
  Pair pair;
  const linger one{1, 1};
  REQUIRE(::setsockopt(pair.ours, SOL_SOCKET, SO_LINGER, &one, sizeof one) == 0);
  const std::size_t sent = pair.fill();
  const auto begun = Clock::now();
  farewells.take(pair.hand_over(), 1);
  CHECK(Clock::now() - begun < std::chrono::milliseconds(900));
  CHECK(over(farewells));
  CHECK(Clock::now() - begun >= std::chrono::seconds(1));
  const auto [read, error] = pair.read_all();
  CHECK(read < sent);
  CHECK(error == ECONNRESET);
}

TEST_CASE("farewell: beyond the limit the oldest are closed as they are") {
  constexpr std::size_t kMost = 4;
  Farewells farewells(kMost);
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::size_t> sent;
  for (std::size_t i = 0; i < kMost + 3; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    sent.push_back(pairs.back()->fill());
    farewells.take(pairs.back()->hand_over(), -1);
  }
  for (int i = 0; i < 5000 && farewells.under_way() != kMost; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(farewells.under_way() == kMost);
  // Nothing was unread: the kernel also delivers those.
  for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(pairs[i]->read_all() == std::pair<std::size_t, int>{sent[i], 0});
  pairs.clear();
  CHECK(over(farewells));
}

TEST_CASE("farewell: those under way outlive whoever asked for them") {
  Pair pair;
  std::size_t sent = 0;
  {
    Farewells farewells;
    sent = pair.fill();
    farewells.take(pair.hand_over(), -1);
  }
  REQUIRE(::send(pair.peer, "more", 4, MSG_NOSIGNAL) == 4);
  CHECK(pair.read_all() == std::pair<std::size_t, int>{sent, 0});
}

TEST_CASE("farewell: comings and goings from several threads") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([] {
      Farewells farewells;
      for (int i = 0; i < 40; ++i) {
        Pair pair;
        const std::size_t sent = i % 3 == 0 ? pair.fill() : 0;
        if (i % 2 == 0) ::send(pair.peer, "unread", 6, 0);
        farewells.take(pair.hand_over(), -1);
        CHECK(pair.read_all() == std::pair<std::size_t, int>{sent, 0});
      }
      CHECK(over(farewells));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace farewells_test
