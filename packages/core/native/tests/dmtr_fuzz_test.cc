// Random chunking of valid streams must give back the messages; random damage must never crash, trip a sanitizer or take more memory
// than one message may have.
#include <doctest/doctest.h>

#include <algorithm>

#include "dmtr_fixture.hpp"
#include "seed.hpp"

namespace dmtr_fuzz_test {

using namespace demi;
using demi::test::Bytes;
using demi::test::Message;
using demi::test::Random;

namespace {

constexpr std::uint32_t kMax = 9000;

Message random_message(Random& random) {
  Message message(1 + random.below(random.one_in(4) ? 16 : 3));
  for (auto& segment : message) {
    segment.resize(random.below(random.one_in(10) ? 500 : 40));
    for (char& c : segment) c = static_cast<char>(random.bits());
  }
  if (std::all_of(message.begin(), message.end(), [](const auto& s) { return s.empty(); })) message[0] = "x";
  return message;
}

// Feeds all of `stream` in random pieces, some of them straight into target(); the arena may be short now and then. Returns the
// messages up to the first error.
std::vector<Message> decode(Random& random, test::ArenaFixture& f, dmtr::Decoder& decoder, const Bytes& stream,
                            std::int32_t& error) {
  std::vector<Message> out;
  std::vector<Sga> hog;
  std::span<const std::uint8_t> rest(stream);
  bool blocked = false;
  error = 0;
  // The last segment may be empty and still wait for a slot when the input is used up.
  while (!rest.empty() || blocked) {
    if (random.one_in(8)) {
      while (const Sga sga = f.arena.alloc(1)) hog.push_back(sga);
    }
    std::span<const std::uint8_t> piece =
        rest.first(std::min<std::size_t>(rest.size(), blocked ? 0 : 1 + random.below(random.one_in(3) ? 600 : 20)));
    const std::size_t size = piece.size();
    std::int32_t result = 0;
    Sga message = 0;
    if (const auto target = decoder.target(); !target.empty() && random.one_in(2)) {
      const std::size_t n = std::min(target.size(), piece.size());
      std::copy_n(piece.data(), n, target.data());
      piece = piece.subspan(n);
      result = decoder.advance(n, message);
    } else {
      result = decoder.decode(piece, message);
    }
    rest = rest.subspan(size - piece.size());
    blocked = result == dmtr::Decoder::kBlocked;
    if (blocked) {
      REQUIRE_FALSE(hog.empty());
      for (const Sga sga : hog) f.arena.free(sga);
      hog.clear();
    } else if (result < 0) {
      error = result;
      break;
    } else if (result > 0) {
      REQUIRE(result <= static_cast<std::int32_t>(kMax));
      REQUIRE(f.arena.total(message) == static_cast<std::uint32_t>(result));
      REQUIRE(f.arena.segments(message) <= 16);
      out.push_back(f.segments(message));
      f.arena.free(message);
    }
    REQUIRE(f.arena.device_slots() - hog.size() <= 16);
  }
  for (const Sga sga : hog) f.arena.free(sga);
  return out;
}

}  // namespace

TEST_CASE("dmtr fuzz: valid streams in random pieces round-trip through encoder and decoder") {
  Random random(test::seed("dmtr round trip"));
  test::Budget budget(3);
  test::ArenaFixture f;
  while (budget.left()) {
    std::vector<Message> sent(1 + random.below(5));
    Bytes stream;
    for (auto& message : sent) {
      message = random_message(random);
      const Sga sga = f.make(message);
      REQUIRE(sga != 0);
      const Bytes bytes = f.encode(sga);
      REQUIRE(bytes == test::wire(message));
      stream.insert(stream.end(), bytes.begin(), bytes.end());
      f.arena.free(sga);
    }
    dmtr::Decoder decoder(f.arena, kMax);
    std::int32_t error = 0;
    REQUIRE(decode(random, f, decoder, stream, error) == sent);
    REQUIRE(error == 0);
    REQUIRE_FALSE(decoder.partial());
    REQUIRE(f.arena.device_slots() == 0);
  }
  MESSAGE(budget.rounds() << " streams");
}

TEST_CASE("dmtr fuzz: damaged streams end in an error or a message, within bounds") {
  Random random(test::seed("dmtr damage"));
  test::Budget budget(3);
  test::ArenaFixture f;
  std::uint64_t refused = 0;
  std::uint64_t passed = 0;
  while (budget.left()) {
    Bytes stream;
    for (std::uint32_t n = random.below(4); n > 0; --n) {
      const Bytes bytes = test::wire(random_message(random));
      stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    static constexpr std::uint32_t kEdges[] = {0,    1,    3,    4,        16,         17,         64,
                                               4096, 4097, kMax, kMax + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    for (std::uint32_t n = random.below(4); n > 0 && !stream.empty(); --n) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(stream.size()));
      switch (random.below(4)) {
        case 0:
          stream[at] = static_cast<std::uint8_t>(random.bits());
          break;
        case 1:
          stream.resize(at);
          break;
        case 2:
          stream.insert(stream.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random.bits()));
          break;
        case 3:  // a whole word, of the values that sit at limits
          Bytes word;
          test::put_word(word, kEdges[random.below(std::size(kEdges))]);
          const std::size_t start = at & ~std::size_t{3};
          for (std::size_t i = 0; i < 4 && start + i < stream.size(); ++i) stream[start + i] = word[i];
          break;
      }
    }
    // Headers that are plausible and followed by noise.
    if (random.one_in(4)) {
      const Bytes head =
          test::header(dmtr::kMagic, random.below(2) ? random.below(10000) : random.bits(), random.below(20));
      stream.insert(stream.end(), head.begin(), head.end());
      for (std::uint32_t n = random.below(200); n > 0; --n)
        stream.push_back(static_cast<std::uint8_t>(random.one_in(3) ? random.bits() : 0));
    }
    dmtr::Decoder decoder(f.arena, kMax);
    std::int32_t error = 0;
    passed += decode(random, f, decoder, stream, error).size();
    if (error != 0) {
      ++refused;
      REQUIRE((error == -EILSEQ || error == -EPROTO || error == -EMSGSIZE || error == -EBADMSG));
      REQUIRE(f.arena.device_slots() == 0);
    }
    decoder.reset();
    REQUIRE(f.arena.device_slots() == 0);
  }
  MESSAGE(budget.rounds() << " streams, " << refused << " refused, " << passed << " messages passed");
  CHECK(refused > 0);
  CHECK(passed > 0);
}

TEST_CASE("dmtr fuzz: damaged datagrams") {
  Random random(test::seed("dmtr datagrams"));
  test::Budget budget(3);
  // Room for the datagram in a slot and its message in others: memory never decides.
  test::ArenaFixture f{.classes = {{64, 80}, {4096, 40}}};
  std::uint64_t refused = 0;
  std::uint64_t passed = 0;
  while (budget.left()) {
    const Message message = random_message(random);
    Bytes bytes = test::wire(message);
    const bool damage = !random.one_in(4);
    for (std::uint32_t n = damage ? 1 + random.below(3) : 0; n > 0 && !bytes.empty(); --n) {
      const auto at = random.below(std::min(60u, static_cast<std::uint32_t>(bytes.size())));
      bytes[at] = static_cast<std::uint8_t>(random.one_in(2) ? random.bits() : random.below(18));
      if (random.one_in(8)) bytes.resize(random.below(static_cast<std::uint32_t>(bytes.size()) + 1));
    }
    const auto check = [&](std::int32_t result, Sga got) {
      if (result > 0) {
        ++passed;
        REQUIRE(f.arena.total(got) == static_cast<std::uint32_t>(result));
        if (!damage) REQUIRE(f.segments(got) == message);
        f.arena.free(got);
      } else {
        ++refused;
        REQUIRE(damage);
        REQUIRE(got == 0);
        REQUIRE((result == -EILSEQ || result == -EPROTO || result == -EMSGSIZE || result == -EBADMSG));
      }
    };
    Sga got = 0;
    const std::int32_t result = dmtr::decode_datagram(f.arena, bytes, kMax, got);
    check(result, got);
    if (bytes.size() <= f.arena.largest()) {
      const Sga slot = f.make({std::string(bytes.begin(), bytes.end())});
      got = 0;
      const std::int32_t adopted = dmtr::adopt_datagram(f.arena, slot, kMax, got);
      REQUIRE(adopted == result);
      check(adopted, got);
    }
    REQUIRE(f.arena.device_slots() == 0);
  }
  MESSAGE(budget.rounds() << " datagrams, " << refused << " refused, " << passed << " passed");
  CHECK(refused > 0);
  CHECK(passed > 0);
}

}  // namespace dmtr_fuzz_test
