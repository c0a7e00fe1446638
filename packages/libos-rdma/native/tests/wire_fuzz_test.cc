// Random and damaged handshakes and headers: first the decoders alone, then the whole engine, with a peer by hand at the other end.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "raw_peer.hpp"
#include "seed.hpp"
#include "wire.hpp"

namespace wire_fuzz_test {

using namespace demi::rdma;
using namespace demi::rdma::test;
using demi::test::Budget;
using demi::test::Random;

namespace {

constexpr std::uint64_t kSeed = 20261123;

// Values at which something changes.
constexpr std::uint32_t kEdges[] = {0,     1,          2,          15,         16,
                                    17,    63,         64,         4079,       4080,
                                    4081,  4096,       4097,       1 << 20,    (1u << 20) + 1,
                                    65535, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

std::uint32_t edge(Random& random) {
  return random.one_in(8) ? random.bits() : kEdges[random.below(std::size(kEdges))];
}

Bytes noise(Random& random, std::uint32_t most) {
  Bytes out(random.below(most + 1));
  for (auto& b : out) b = static_cast<std::uint8_t>(random.bits());
  return out;
}

void damage(Random& random, Bytes& bytes) {
  for (std::uint32_t n = 1 + random.below(3); n != 0 && !bytes.empty(); --n) {
    const std::uint32_t at = random.below(static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 20)));
    switch (at < bytes.size() ? random.below(5) : 4) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << random.below(8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(random.bits());
        break;
      case 2:
        for (std::size_t i = at & ~3u; i < std::min<std::size_t>(bytes.size(), (at & ~3u) + 4); ++i)
          bytes[i] = static_cast<std::uint8_t>(kEdges[random.below(std::size(kEdges))] >> (8 * (i & 3)));
        break;
      case 3:
        bytes.resize(random.below(static_cast<std::uint32_t>(bytes.size() + 1)));
        break;
      default: {
        const Bytes more = noise(random, 20);
        bytes.insert(bytes.end(), more.begin(), more.end());
      }
    }
  }
}

RawHandshake random_handshake(Random& random) {
  RawHandshake out;
  out.credits = static_cast<std::uint16_t>(1 + random.below(random.one_in(2) ? 4 : 4096));
  out.buffer = 64 + random.below(random.one_in(2) ? 64 : 8192);
  out.most_message = 1 + random.below(1 << 20);
  return out;
}

std::uint64_t number(const Bytes& bytes, std::size_t at, std::size_t length) {
  std::uint64_t out = 0;
  for (std::size_t i = length; i-- > 0;) out = out << 8 | bytes[at + i];
  return out;
}

// What docs/rdma-wire-format.md allows, said a second time.
bool is_handshake(const Bytes& b) {
  if (b.size() < 16 || number(b, 0, 4) != 0x696d6544 || b[4] != 1 || b[5] != 0) return false;
  const auto credits = number(b, 6, 2), buffer = number(b, 8, 4);
  return credits >= 1 && credits <= 4096 && buffer >= 64 && buffer <= 1048576 && number(b, 12, 4) != 0;
}

bool is_message(const Bytes& b) {
  if (b.size() < 16 || number(b, 12, 4) != 0) return false;
  const std::uint64_t message = number(b, 4, 4), offset = number(b, 8, 4), bytes = b.size() - 16;
  if (b[0] == 1) return bytes != 0 && (b[1] == 0 ? offset + bytes == message : b[1] == 1 && offset + bytes < message);
  const bool kind = b[0] == 3 || b[0] == 4 || (b[0] == 2 && number(b, 2, 2) != 0);
  return kind && b[1] == 0 && bytes == 0 && message == 0 && offset == 0;
}

}  // namespace

TEST_CASE("wire fuzz: the decoders take what the specification allows and nothing else, and say what was written") {
  Random random(demi::test::seed("wire fuzz", kSeed));
  Budget budget(4, 200'000);
  std::uint64_t handshakes = 0;
  std::uint64_t headers = 0;
  while (budget.left()) {
    Bytes bytes;
    switch (random.below(4)) {
      case 0:
        bytes = noise(random, 40);
        break;
      case 1:
        bytes = random_handshake(random).bytes();
        break;
      default: {
        RawHeader header{.kind = static_cast<std::uint8_t>(1 + random.below(4))};
        const std::size_t payload = header.kind == kData ? 1 + random.below(64) : 0;
        header.credits = static_cast<std::uint16_t>(header.kind == kCredit ? 1 + random.below(9) : random.below(9));
        if (header.kind == kData) {
          header.offset = random.one_in(2) ? 0 : edge(random);
          header.message = header.offset + static_cast<std::uint32_t>(payload);
          header.more = random.one_in(3) ? 1 : 0;
          header.message += header.more != 0 ? 1 + random.below(100) : 0;
        }
        bytes = header.bytes(payload);
      }
    }
    if (!random.one_in(3)) damage(random, bytes);
    bytes.shrink_to_fit();
    const auto handshake = Handshake::decode(bytes);
    REQUIRE(handshake.has_value() == is_handshake(bytes));
    if (handshake) {
      ++handshakes;
      const auto again = handshake->encode();
      REQUIRE(std::equal(again.begin(), again.end(), bytes.begin()));
    }
    const auto header = Header::decode(bytes);
    REQUIRE(header.has_value() == is_message(bytes));
    if (header) {
      ++headers;
      Bytes again(Header::kBytes);
      header->encode(again.data());
      REQUIRE(std::equal(again.begin(), again.end(), bytes.begin()));
    }
  }
  std::printf("wire fuzz: %llu inputs, %llu handshakes and %llu messages among them\n",
              static_cast<unsigned long long>(budget.rounds()), static_cast<unsigned long long>(handshakes),
              static_cast<unsigned long long>(headers));
  CHECK(handshakes > budget.rounds() / 100);
  CHECK(headers > budget.rounds() / 100);
}

namespace {

// Messages in the order in which they would make sense, and then changed: fragments of messages, credits, an end now and then.
class Talk {
 public:
  Talk(Random& random, std::uint32_t buffer) : random_(random), room_(buffer - 16) {}

  Bytes next() {
    Bytes out = sensible();
    if (random_.one_in(12)) damage(random_, out);
    if (random_.one_in(40)) out = noise(random_, static_cast<std::uint32_t>(room_));
    out.resize(std::min(out.size(), room_ + 16));
    return out;
  }

 private:
  Bytes sensible() {
    if (random_.one_in(8)) return credit(static_cast<std::uint16_t>(1 + random_.below(3)));
    if (random_.one_in(100)) return end();
    if (offset_ == message_) {
      offset_ = 0;
      message_ = 1 + random_.below(random_.one_in(3) ? 20'000 : 200);
    }
    const auto payload = std::min<std::uint32_t>(
        message_ - offset_, random_.one_in(4) ? 1 + random_.below(100) : static_cast<std::uint32_t>(room_));
    RawHeader header{.message = message_, .offset = offset_};
    offset_ += payload;
    header.more = offset_ != message_ ? 1 : 0;
    if (random_.one_in(50)) header.message = edge(random_);
    if (random_.one_in(50)) header.offset = edge(random_);
    if (random_.one_in(50)) header.credits = static_cast<std::uint16_t>(edge(random_));
    if (random_.one_in(50)) header.more ^= 1;
    return header.bytes(payload);
  }

  Random& random_;
  std::size_t room_;
  std::uint32_t message_ = 0;
  std::uint32_t offset_ = 0;
};

}  // namespace

TEST_CASE("wire fuzz: peers that say anything, to a service that goes on") {
  Random random(demi::test::seed("peer fuzz", kSeed));
  Budget budget(2, 60);
  Loopback loopback;
  Libos os(loopback);
  Libos client(loopback);
  std::uint64_t accepted = 0;
  std::uint64_t said = 0;
  {
    EchoService service(os);
    std::size_t before = 0;
    while (budget.left()) {
      RawPeer peer(loopback);
      Bytes handshake = random_handshake(random).bytes();
      if (random.one_in(4)) damage(random, handshake);
      if (random.one_in(16)) handshake = noise(random, 200);
      handshake.resize(std::min<std::size_t>(handshake.size(), 200));
      peer.connect(service.address(), handshake);
      REQUIRE(loopback.until([&] { return peer.connected || peer.over(); }));
      REQUIRE(peer.connected == is_handshake(handshake));
      if (peer.connected) {
        ++accepted;
        Talk talk(random, 4096);
        peer.reposting = !random.one_in(4);
        for (std::uint32_t n = random.below(60); n != 0 && !peer.over(); --n) {
          said += peer.send(talk.next()) ? 1 : 0;
          if (random.one_in(3)) loopback.turn();
        }
        loopback.turns(static_cast<int>(random.below(30)));
      }
      peer.close();
      if (budget.rounds() % 50 != 49) continue;
      echo_once(client, service.address());
      REQUIRE(loopback.until([&] {
        return service.connections() == 0 && os.stat("leaving") == 0 && os.stat("postedReceives") == 0 &&
               os.stat("deviceSlots") == 0;
      }));
      if (before == 0) before = heap_bytes();
      REQUIRE(heap_bytes() < before + (1u << 20));
    }
    echo_once(client, service.address());
    for (const auto& [code, times] : service.ends) {
      CAPTURE(code);
      CHECK((code == 0 || code == -EPROTO || code == -EMSGSIZE || code == -ECONNRESET || code == -ECONNABORTED ||
             code == -EIO));
      std::printf("peer fuzz: %llu connections ended with %d\n", static_cast<unsigned long long>(times), code);
    }
    CHECK(service.ends.size() > 2);
  }
  client.check_clean();
  os.check_clean();
  std::printf("peer fuzz: %llu peers, %llu accepted, %llu messages\n", static_cast<unsigned long long>(budget.rounds()),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(said));
  CHECK(accepted > budget.rounds() / 2);
}

TEST_CASE("wire fuzz: whoever we connect to answers anything") {
  Random random(demi::test::seed("answer fuzz", kSeed));
  Budget budget(4, 40);
  Loopback loopback;
  Libos os(loopback);
  std::uint64_t connected = 0;
  while (budget.left()) {
    RawPeer peer(loopback);
    const demi::Qd qd = os.socket();
    const demi::Qt connect = os.connect(qd, peer.listen());
    const demi::Qt pop = os.pop(qd);
    const demi::Qt push = os.push(qd, "early");
    REQUIRE(loopback.until([&] { return peer.requested(); }));
    Bytes answer = random_handshake(random).bytes();
    if (random.one_in(2)) damage(random, answer);
    answer.resize(std::min<std::size_t>(answer.size(), 200));
    const bool taken = !random.one_in(4);
    const bool good = taken && is_handshake(answer);
    if (taken) {
      peer.accept(answer);
    } else {
      peer.reject(answer);
    }
    const int result = os.wait(connect).result;
    connected += result == 0 ? 1 : 0;
    REQUIRE((result == 0) == good);
    if (result != 0) CHECK((result == -EPROTO || result == -ECONNREFUSED));
    Talk talk(random, 4096);
    for (std::uint32_t n = good ? random.below(20) : 0; n != 0 && !peer.over(); --n) {
      peer.send(talk.next());
      loopback.turn();
    }
    peer.close();
    const auto last = os.wait(push);
    CHECK((last.result == 5 || last.result < 0));
    const auto first = os.wait(pop);
    if (first.result > 0) os.take(first);
    os.close(qd);
  }
  os.check_clean();
  std::printf("answer fuzz: %llu answers, %llu taken\n", static_cast<unsigned long long>(budget.rounds()),
              static_cast<unsigned long long>(connected));
  CHECK(connected > budget.rounds() / 10);
}

}  // namespace wire_fuzz_test
