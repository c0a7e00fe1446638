// Peers whose handshake was right, and that mean harm or are broken after it, written by hand on libfabric: messages that are not what they
// say, more of them than were allowed, none at all, and leaving at every step. The connection ends with a code, every token completes, and
// nothing of it stays.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "raw_peer.hpp"

namespace hostile_message_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;
using demi::rdma::Buffers;

namespace {

// A connection whose other end is by hand, and operations on it that wait: two pops, and three pushes of which the peer's only
// credit lets one go.
struct Attacked {
  explicit Attacked(const demi::Config& changes = {}) : os(loopback, changes), listener(os.listener()) {
    const Qt accepted = os.accept(listener);
    RawPeer::connect_well(peer, os.address(listener), {.credits = 1});
    qd = os.wait(accepted).value;
    REQUIRE(qd > 0);
  }
  void start() {
    for (int i = 0; i < 2; ++i) pops.push_back(os.pop(qd));
    for (int i = 0; i < 3; ++i) pushes.push_back(os.push(qd, "to nobody"));
    REQUIRE(os.wait(pushes.front()).result == 9);
    REQUIRE(loopback.until([&] { return peer.received.size() == 1; }));
  }
  void send(const std::vector<Bytes>& messages) {
    for (const Bytes& message : messages) REQUIRE(loopback.until([&] { return peer.send(message); }));
  }
  // Everything that waits, and what is started afterwards, ends with the code; the peer is cut off and nothing stays.
  void check_ended(int code) {
    for (const Qt pop : pops) CHECK(os.wait(pop).result == code);
    for (std::size_t i = 1; i < pushes.size(); ++i) CHECK(os.wait(pushes[i]).result == code);
    CHECK(os.wait(os.pop(qd)).result == code);
    CHECK(os.wait(os.push(qd, "more")).result == code);
    CHECK(loopback.until([&] { return peer.over(); }));
    finish();
  }
  void finish() {
    os.close(qd);
    os.close(listener);
    os.check_clean();
  }

  Loopback loopback;
  Libos os;
  Qd listener;
  RawPeer peer{loopback};
  Qd qd = 0;
  std::vector<Qt> pops;
  std::vector<Qt> pushes;
};

}  // namespace

// ---- messages -------------------------------------------------------------------------------------------------------

TEST_CASE("a message that is not what it says ends its connection with EPROTO, one that is too large with EMSGSIZE") {
  struct Case {
    const char* name;
    std::vector<Bytes> messages;
    int code;
  };
  const Bytes part = RawHeader{.more = 1, .message = 300}.bytes(100);
  const std::vector<Case> cases{
      {"nothing", {{}}, -EPROTO},
      {"15 bytes", {Bytes(15, 1)}, -EPROTO},
      {"zeros", {Bytes(16, 0)}, -EPROTO},
      {"ones", {Bytes(64, 0xff)}, -EPROTO},
      {"text", {Bytes(4096, 'G')}, -EPROTO},
      {"an unknown kind", {RawHeader{.kind = 5, .message = 5}.bytes(5)}, -EPROTO},
      {"an empty message", {RawHeader{.message = 0}.bytes()}, -EPROTO},
      {"less than it says", {RawHeader{.message = 6}.bytes(5)}, -EPROTO},
      {"more than it says", {RawHeader{.message = 4}.bytes(5)}, -EPROTO},
      {"an offset beyond the message", {RawHeader{.message = 5, .offset = 600}.bytes(5)}, -EPROTO},
      {"an offset whose end overflows", {RawHeader{.message = 4, .offset = 0xffffffff}.bytes(5)}, -EPROTO},
      {"the second fragment first", {RawHeader{.message = 200, .offset = 100}.bytes(100)}, -EPROTO},
      {"a fragment left out", {part, RawHeader{.message = 300, .offset = 200}.bytes(100)}, -EPROTO},
      {"a fragment twice", {part, part}, -EPROTO},
      {"fragments that overlap", {part, RawHeader{.message = 300, .offset = 50}.bytes(250)}, -EPROTO},
      {"a message inside another", {part, whole(10)}, -EPROTO},
      {"a message that grows", {part, RawHeader{.more = 1, .message = 900, .offset = 100}.bytes(100)}, -EPROTO},
      {"a message that shrinks", {part, RawHeader{.message = 200, .offset = 100}.bytes(100)}, -EPROTO},
      {"no credits returned", {RawHeader{.kind = kCredit}.bytes()}, -EPROTO},
      {"more credits than were used", {credit(2)}, -EPROTO},
      {"very many credits", {credit(65535)}, -EPROTO},
      {"too many credits with a fragment", {RawHeader{.more = 1, .credits = 9, .message = 300}.bytes(100)}, -EPROTO},
      {"a message above the limit", {RawHeader{.more = 1, .message = (1u << 20) + 1}.bytes(100)}, -EMSGSIZE},
      {"4 GiB", {RawHeader{.more = 1, .message = 0xffffffff}.bytes(100)}, -EMSGSIZE},
      {"an end with bytes", {RawHeader{.kind = kEnd}.bytes(1)}, -EPROTO},
      {"a shut with bytes", {RawHeader{.kind = kShut}.bytes(1)}, -EPROTO},
      {"a shut within a message", {part, RawHeader{.kind = kShut}.bytes()}, -EPROTO},
  };
  for (const auto& [name, messages, code] : cases) {
    INFO(name);
    Attacked a;
    a.start();
    a.send(messages);
    a.check_ended(code);
    CHECK(a.os.stat("badMessages") == 1);
  }
}

TEST_CASE("a fragment larger than the posted receive ends the connection, and is not written anywhere") {
  Attacked a(demi::Config{{"slot", "1024"}});
  a.start();
  a.send({whole(4096 - 16)});
  const int code = a.os.wait(a.pops[0]).result;
  CHECK(code < 0);
  CHECK(code != -ECANCELED);
  a.pops.erase(a.pops.begin());
  a.check_ended(code);
  CHECK(a.os.stat("completionErrors") == 1);
  CHECK(a.os.stat((std::string("completionErrors.") + ::strerrorname_np(-code)).c_str()) == 1);
}

TEST_CASE("a shut ends the pops with 0 and nothing else; what comes behind it ends the connection") {
  const Bytes shut = RawHeader{.kind = kShut}.bytes();
  for (const Bytes& behind : {shut, whole(3)}) {
    Attacked a;
    a.start();
    a.send({whole(7), shut});
    CHECK(a.os.take(a.os.wait(a.pops[0])).size() == 7);
    CHECK(a.os.wait(a.pops[1]).result == 0);
    CHECK(a.os.wait(a.os.pop(a.qd)).result == 0);
    CHECK_FALSE(a.os.done(a.pushes[1]));
    a.send({behind});
    for (std::size_t i = 1; i < a.pushes.size(); ++i) CHECK(a.os.wait(a.pushes[i]).result == -EPROTO);
    CHECK(a.os.wait(a.os.push(a.qd, "more")).result == -EPROTO);
    CHECK(a.os.wait(a.os.pop(a.qd)).result == 0);
    CHECK(a.loopback.until([&] { return a.peer.over(); }));
    CHECK(a.os.stat("badMessages") == 1);
    a.finish();
  }
}

TEST_CASE("a shut takes a credit: beyond the credits it is EPROTO") {
  Attacked a(demi::Config{{"credits", "2"}});
  a.send({whole(1), whole(2), RawHeader{.kind = kShut}.bytes()});
  REQUIRE(a.loopback.until([&] { return a.peer.over(); }));
  for (int i = 1; i <= 2; ++i) CHECK(a.os.take(a.os.wait(a.os.pop(a.qd))).size() == static_cast<std::size_t>(i));
  a.check_ended(-EPROTO);
  CHECK(a.os.stat("badMessages") == 1);
}

TEST_CASE("more messages than credits: what was allowed is popped, then EPROTO") {
  Attacked a(demi::Config{{"credits", "4"}});
  for (int i = 0; i < 5; ++i) a.send({whole(static_cast<std::size_t>(10 + i))});
  REQUIRE(a.loopback.until([&] { return a.peer.over(); }));
  for (int i = 0; i < 4; ++i) CHECK(a.os.take(a.os.wait(a.os.pop(a.qd))).size() == static_cast<std::size_t>(10 + i));
  a.check_ended(-EPROTO);
  CHECK(a.os.stat("badMessages") == 1);
}

TEST_CASE("a credit is the peer's when it was told, not when a message was popped") {
  Attacked a(demi::Config{{"credits", "4"}});
  a.send({whole(1), whole(2), whole(3), whole(4)});
  CHECK(a.os.take(a.os.wait(a.os.pop(a.qd))) == "a");
  CHECK(a.peer.received.empty());  // half of them are returned at once
  a.send({whole(5)});
  REQUIRE(a.loopback.until([&] { return a.peer.over(); }));
  for (int i = 2; i <= 4; ++i) CHECK(a.os.take(a.os.wait(a.os.pop(a.qd))).size() == static_cast<std::size_t>(i));
  a.check_ended(-EPROTO);
  CHECK(a.os.stat("badMessages") == 1);
}

// Whoever guesses the credits that are returned to it, and reads none of them, could have answers pile up for it.
TEST_CASE("a peer that sends without end and reads nothing has few answers under way, and slows nobody else") {
  Served s(demi::Config{{"credits", "8"}});
  const Qd listener = s.os.listener();
  const Qt accepted = s.os.accept(listener);
  RawPeer peer(s.loopback);
  RawPeer::connect_well(peer, s.os.address(listener), {.credits = 1});
  const Qd qd = s.os.wait(accepted).value;
  peer.reposting = false;
  int popped = 0;
  Qt pop = s.os.pop(qd);
  double most = 0;
  s.loopback.until(
      [&] {
        peer.send(whole(1));
        if (s.os.done(pop)) {
          const Completion c = s.os.wait(pop);
          if (c.result < 0) return true;
          s.os.take(c);
          ++popped;
          pop = s.os.pop(qd);
        }
        most = std::max(most, s.os.stat("sendsUnderWay"));
        return popped >= 20'000;
      },
      30);
  CHECK(popped > 8);
  CHECK(most <= 16);
  s.still_serves();
  s.os.close(qd);
  s.os.close(listener);
  s.loopback.run(0.1);
}

TEST_CASE("data after the end, and ends without end, are the peer's own problem") {
  SUBCASE("data") {
    Attacked a;
    a.send({end(), whole(5)});
    REQUIRE(a.loopback.until([&] { return a.peer.over(); }));
    CHECK(a.os.stat("badMessages") == 1);
    CHECK(a.os.wait(a.os.pop(a.qd)).result == 0);
    CHECK(a.os.wait(a.os.push(a.qd, "x")).result == -EPIPE);
    a.finish();
  }
  SUBCASE("ends") {
    Attacked a;
    const Qt pop = a.os.pop(a.qd);
    for (int i = 0; i < 500; ++i) a.send({end()});
    CHECK(a.os.wait(pop).result == 0);
    CHECK(a.os.wait(a.os.push(a.qd, "x")).result == -EPIPE);
    a.finish();
  }
  SUBCASE("in the middle of a message") {
    Attacked a;
    const Qt pop = a.os.pop(a.qd);
    a.send({RawHeader{.more = 1, .message = 300}.bytes(100), end()});
    CHECK(a.os.wait(pop).result == -ECONNABORTED);
    a.finish();
  }
}

// ---- leaving --------------------------------------------------------------------------------------------------------

TEST_CASE("a peer that vanishes ends every pending token with ECONNRESET, wherever it was") {
  const std::vector<std::vector<Bytes>> said{
      {},
      {credit(1)},
      {whole(5)},
      {RawHeader{.more = 1, .message = 300}.bytes(100)},
      {RawHeader{.more = 1, .message = 300}.bytes(100), RawHeader{.more = 1, .message = 300, .offset = 100}.bytes(100)},
  };
  for (std::size_t i = 0; i < said.size(); ++i) {
    CAPTURE(i);
    Attacked a;
    a.start();
    a.send(said[i]);
    if (i == 1) {  // one push more goes
      CHECK(a.os.wait(a.pushes[1]).result == 9);
      a.pushes.erase(a.pushes.begin());
    }
    if (i == 2) {  // and one pop gets a message
      CHECK(a.os.take(a.os.wait(a.pops[0])) == "abcde");
      a.pops.erase(a.pops.begin());
    }
    a.loopback.turns(20);
    a.peer.close();
    a.peer.shut_down = true;
    a.check_ended(-ECONNRESET);
  }
}

TEST_CASE("what a peer sent before it vanished is popped first") {
  Attacked a;
  for (int i = 0; i < 16; ++i) a.send({whole(static_cast<std::size_t>(i + 1))});
  REQUIRE(a.loopback.until([&] { return a.peer.sends_done == 16; }));
  a.peer.close();
  a.peer.shut_down = true;
  a.loopback.run(0.2);
  for (int i = 0; i < 16; ++i) CHECK(a.os.take(a.os.wait(a.os.pop(a.qd))).size() == static_cast<std::size_t>(i + 1));
  a.check_ended(-ECONNRESET);
}

TEST_CASE("a peer that stops reading does not keep a close from ending, nor its memory") {
  Attacked a(demi::Config{{"credits", "16"}});
  a.start();
  a.peer.stopped = true;
  const auto start = std::chrono::steady_clock::now();
  a.os.close(a.qd);
  for (const Qt pop : a.pops) CHECK(a.os.wait(pop).result == -ECANCELED);
  for (std::size_t i = 1; i < a.pushes.size(); ++i) CHECK(a.os.wait(a.pushes[i]).result == -ECANCELED);
  a.os.close(a.listener);
  a.os.check_clean();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("peers that take thousands of messages and read none leave send buffers for others") {
  Served s;
  const Qd listener = s.os.listener();
  std::vector<std::unique_ptr<RawPeer>> peers;
  std::vector<Qd> connections;
  // Together they could have all the buffers there are.
  for (std::uint32_t i = 0; i < Buffers::kSends / 256 + 4; ++i) {
    const Qt accepted = s.os.accept(listener);
    peers.push_back(std::make_unique<RawPeer>(s.loopback));
    RawPeer::connect_well(*peers.back(), s.os.address(listener), {.credits = 4096});
    connections.push_back(s.os.wait(accepted).value);
    peers.back()->reposting = false;
    peers.back()->stopped = true;
  }
  const demi::Sga sga = s.os.app().alloc({1u << 20});
  REQUIRE(sga != 0);
  std::vector<Qt> pushes;
  // More than the kernel's buffers take.
  for (const Qd qd : connections) {
    for (int i = 0; i < 16; ++i) pushes.push_back(s.os.app().push(qd, sga));
  }
  s.loopback.run(3);
  CHECK(s.os.stat("sendsUnderWay") > 64);
  MESSAGE(s.os.stat("sendsUnderWay") << " sends under way");
  s.still_serves();
  for (const Qd qd : connections) s.os.close(qd);
  for (const Qt push : pushes) {
    const int result = s.os.wait(push).result;
    CHECK((result == 1 << 20 || result == -ECANCELED));
  }
  s.os.app().free(sga);
  s.os.close(listener);
  CHECK(s.loopback.until([&] { return s.os.stat("sendsUnderWay") == 0 && s.os.stat("leaving") == 0; }));
  s.still_serves();
}

}  // namespace hostile_message_test
