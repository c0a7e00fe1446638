// Random and damaged introductions: the decoder alone, then a libOS that listens.
#include <doctest/doctest.h>

#include <algorithm>

#include "raw_shm_peer.hpp"
#include "seed.hpp"

namespace rendezvous_fuzz_test {

using namespace demi::rdma;
using namespace demi::rdma::test;
using demi::test::Budget;
using demi::test::Random;

namespace {

constexpr std::uint64_t kSeed = 20261124;

Bytes some_introduction(Random& random, const std::string& name) {
  RawIntroduction out{.kind = static_cast<std::uint8_t>(random.below(5)), .id = random.bits(), .cookie = random.bits()};
  out.family = static_cast<std::uint8_t>(random.one_in(4) ? random.below(256) : 4 + 2 * random.below(2));
  out.name = random.one_in(3) ? std::string(random.below(256), static_cast<char>(random.below(256))) : name;
  if (random.one_in(3)) out.data = Bytes(random.below(700), static_cast<std::uint8_t>(random.bits()));
  if (random.one_in(6)) out.name_bytes = static_cast<std::uint8_t>(random.bits());
  if (random.one_in(6)) out.data_bytes = static_cast<std::uint16_t>(random.bits());
  Bytes packet = out.bytes();
  while (random.one_in(3))
    packet[random.below(static_cast<std::uint32_t>(packet.size()))] = static_cast<std::uint8_t>(random.bits());
  if (random.one_in(4)) packet.resize(random.below(static_cast<std::uint32_t>(packet.size() + 40)));
  return packet;
}

}  // namespace

TEST_CASE("fuzz: introductions are what was sent, or nothing") {
  Random random(demi::test::seed("introductions", kSeed));
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  for (Budget budget(4); budget.left();) {
    // Exactly as long as it is, so that the sanitizer sees a byte too many that is read.
    const Bytes packet = some_introduction(random, "demikernel-12-0-345");
    const auto decoded = Introduction::decode(packet);
    if (!decoded) {
      ++refused;
      continue;
    }
    ++taken;
    const Bytes again = decoded->encode();
    REQUIRE(again == packet);
    REQUIRE(packet.size() <= Introduction::kMostBytes);
    REQUIRE(decoded->kind <= Introduction::Kind::kReject);
    if (decoded->kind == Introduction::Kind::kReject) continue;
    REQUIRE((decoded->address.family == 4 || decoded->address.family == 6));
    REQUIRE(decoded->name.starts_with("demikernel-"));
    REQUIRE(decoded->name.find_first_not_of("0123456789-:", 11) == std::string::npos);
  }
  CHECK(taken > 100);
  CHECK(refused > 100);
}

TEST_CASE("fuzz: a libOS that is called with random introductions over shm goes on serving, and keeps nothing") {
  Random random(demi::test::seed("introductions to a libOS", kSeed + 1));
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  std::uint64_t rounds = 0;
  std::uint64_t answered = 0;
  // Few of them are good enough for an answer, and a busy machine gets through few in its time.
  for (Budget budget(4, 300); budget.left() || (answered <= 10 && rounds < 100'000); ++rounds) {
    RawRendezvous caller(s.service.address());
    for (std::uint32_t packets = 1 + random.below(3); packets != 0; --packets) {
      if (!caller.send(some_introduction(random, s.memory->name()))) break;
      s.loopback.turns(static_cast<int>(random.below(4)));
    }
    s.loopback.turns(static_cast<int>(random.below(40)));
    if (caller.receive()) ++answered;
    if (rounds % 200 == 0) s.still_serves();
  }
  CHECK(answered > 10);
  s.check_rest(descriptors);
}

}  // namespace rendezvous_fuzz_test
