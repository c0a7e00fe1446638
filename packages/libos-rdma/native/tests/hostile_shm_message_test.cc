// Peers over shm whose rendezvous was right, and that mean harm or are broken after it: messages in envelopes that are nobody's, and messages
// that are not what they say. The connection ends with a code, and nothing of it stays.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "raw_shm_peer.hpp"
#include "seed.hpp"

namespace hostile_shm_message_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;

TEST_CASE("shm: messages in envelopes that are nobody's are dropped") {
  ServedOverShm s;
  const std::uint64_t seed = demi::test::seed("hostile shm: envelopes");
  demi::test::Random random(seed);
  RawShmPeer peer(s.loopback, s.service.address());
  std::size_t before = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::uint32_t id = random.one_in(2) ? peer.id : random.bits();
    std::uint32_t cookie = random.one_in(2) ? peer.cookie : random.bits();
    if (id == peer.id && cookie == peer.cookie) cookie ^= 1u << random.below(32);
    const Bytes message = random.one_in(2) ? whole(1 + random.below(2000)) : Bytes(random.below(4000), 0xff);
    REQUIRE(s.loopback.until([&] { return peer.send(id, cookie, message); }));
    if (i == 2000) before = heap_bytes();
    if (i % 500 == 0) s.still_serves();
  }
  CHECK(s.os.stat("badMessages") == 0);
  CHECK(s.loopback.until([&] { return s.service.connections() == 1; }));
  CHECK(heap_bytes() < before + 65536);
  // Its own connection is whole.
  REQUIRE(peer.send(end()));
  CHECK(s.loopback.until([&] { return s.service.connections() == 0; }));
}

TEST_CASE(
    "shm: a message that is not what it says ends its connection with EPROTO, one that is too large with EMSGSIZE") {
  struct Case {
    std::string name;
    std::vector<Bytes> messages;
    int code;
  };
  const Bytes part = RawHeader{.more = 1, .message = 300}.bytes(100);
  const std::vector<Case> cases{
      {"nothing", {{}}, -EPROTO},
      {"15 bytes", {Bytes(15, 1)}, -EPROTO},
      {"ones", {Bytes(64, 0xff)}, -EPROTO},
      {"an empty message", {RawHeader{.message = 0}.bytes()}, -EPROTO},
      {"less than it says", {RawHeader{.message = 6}.bytes(5)}, -EPROTO},
      {"an offset whose end overflows", {RawHeader{.message = 4, .offset = 0xffffffff}.bytes(5)}, -EPROTO},
      {"a fragment twice", {part, part}, -EPROTO},
      {"more credits than were used", {credit(2)}, -EPROTO},
      {"more messages than credits", std::vector<Bytes>(40, whole(1)), -EPROTO},
      {"4 GiB", {RawHeader{.more = 1, .message = 0xffffffff}.bytes(100)}, -EMSGSIZE},
      {"an end with bytes", {RawHeader{.kind = kEnd}.bytes(1)}, -EPROTO},
      {"more than a receive has room for", {whole(3000)}, -EMSGSIZE},
  };
  for (const auto& [name, messages, code] : cases) {
    INFO(name);
    Loopback loopback("shm");
    Libos os(loopback, demi::Config{{"slot", "2048"}});
    const std::size_t descriptors = open_descriptors();
    const Qd listener = os.listener();
    const Qt accepted = os.accept(listener);
    {
      RawShmPeer peer(loopback, os.address(listener));
      const Qd qd = os.wait(accepted).value;
      REQUIRE(qd > 0);
      for (const Bytes& message : messages) REQUIRE(loopback.until([&] { return peer.send(message); }));
      REQUIRE(loopback.until([&] { return peer.rendezvous.over(); }));
      Completion popped = os.wait(os.pop(qd));
      for (; popped.result > 0; popped = os.wait(os.pop(qd))) os.take(popped);
      CHECK(popped.result == code);
      CHECK(os.wait(os.push(qd, "more")).result == code);
      os.close(qd);
    }
    os.close(listener);
    os.check_clean();
    CHECK(open_descriptors() == descriptors);
  }
}

TEST_CASE("shm: hundreds of broken peers cost neither memory nor descriptors that stay") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  std::size_t before = 0;
  for (int round = 0; round < 200; ++round) {
    if (round == 80) before = heap_bytes();
    RawShmPeer peer(s.loopback, s.service.address());
    if (round % 4 == 0) peer.send(Bytes(32, 9));
    if (round % 4 == 1) peer.send(RawHeader{.more = 1, .message = 1000}.bytes(100));
    if (round % 4 == 2) peer.send(end());
    if (round % 4 == 3) peer.send(whole(10));
    s.loopback.turns(round % 40);
  }
  CHECK(s.loopback.until([&] { return s.service.connections() == 0 && s.os.stat("leaving") == 0; }));
  CHECK(heap_bytes() < before + 65536);
  s.check_rest(descriptors);
}

}  // namespace hostile_shm_message_test
