// The handshake and the header, byte for byte, and everything that is refused.
#include "wire.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "raw_peer.hpp"

namespace wire_test {

using namespace demi::rdma;
using demi::rdma::test::Bytes;
using demi::rdma::test::RawHandshake;
using demi::rdma::test::RawHeader;

namespace {

bool refused(const RawHandshake& handshake) { return !Handshake::decode(handshake.bytes()); }

bool refused(const RawHeader& header, std::size_t payload = 0) { return !Header::decode(header.bytes(payload)); }

}  // namespace

TEST_CASE("a handshake is 16 bytes: magic, version, zero, credits, buffer, largest message, little-endian") {
  const auto bytes = Handshake{.credits = 0x0102, .buffer = 0x00030405, .most_message = 0x06070809}.encode();
  CHECK(Bytes(bytes.begin(), bytes.end()) ==
        Bytes{'D', 'e', 'm', 'i', 1, 0, 0x02, 0x01, 0x05, 0x04, 0x03, 0x00, 0x09, 0x08, 0x07, 0x06});
  const auto read = Handshake::decode(bytes);
  REQUIRE(read);
  CHECK(read->credits == 0x0102);
  CHECK(read->buffer == 0x00030405);
  CHECK(read->most_message == 0x06070809);
}

TEST_CASE("a handshake fits into the private data of every provider") { CHECK(Handshake::kBytes <= 55); }

TEST_CASE("a handshake at its limits is taken, and one that a fabric has padded") {
  for (const std::uint16_t credits : {std::uint16_t{1}, std::uint16_t{4096}}) {
    for (const std::uint32_t buffer : {64u, 1u << 20}) {
      for (const std::uint32_t most : {1u, std::numeric_limits<std::uint32_t>::max()}) {
        Bytes bytes = RawHandshake{.credits = credits, .buffer = buffer, .most_message = most}.bytes();
        for (int i = 0; i < 2; ++i, bytes.resize(55)) {
          const auto read = Handshake::decode(bytes);
          REQUIRE(read);
          CHECK(read->credits == credits);
          CHECK(read->buffer == buffer);
          CHECK(read->most_message == most);
        }
      }
    }
  }
}

TEST_CASE("a handshake that is none, or that says what cannot be, is refused") {
  const Bytes good = RawHandshake{}.bytes();
  REQUIRE(Handshake::decode(good));
  for (std::size_t n = 0; n < good.size(); ++n) {
    // On the heap and no longer than said: AddressSanitizer sees who reads on.
    CHECK(!Handshake::decode(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))));
  }
  for (std::size_t at = 0; at < 6; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes wrong = good;
      wrong[at] = static_cast<std::uint8_t>(wrong[at] ^ 1u << bit);
      CHECK(!Handshake::decode(wrong));
    }
  }
  CHECK(refused(RawHandshake{.credits = 0}));
  CHECK(refused(RawHandshake{.credits = 4097}));
  CHECK(refused(RawHandshake{.credits = 65535}));
  CHECK(refused(RawHandshake{.buffer = 0}));
  CHECK(refused(RawHandshake{.buffer = 63}));
  CHECK(refused(RawHandshake{.buffer = (1u << 20) + 1}));
  CHECK(refused(RawHandshake{.buffer = 0xffffffff}));
  CHECK(refused(RawHandshake{.most_message = 0}));
}

TEST_CASE("a header is 16 bytes: kind, more, credits, message, offset, zero, little-endian") {
  Bytes bytes(Header::kBytes, 0xa5);
  Header{.kind = Kind::kData, .more = true, .credits = 0x0102, .message = 0x07080906, .offset = 0x0304050a}.encode(
      bytes.data());
  CHECK(bytes == Bytes{1, 1, 0x02, 0x01, 0x06, 0x09, 0x08, 0x07, 0x0a, 0x05, 0x04, 0x03, 0, 0, 0, 0});
  bytes.resize(Header::kBytes + 1);
  const auto read = Header::decode(bytes);
  REQUIRE(read);
  CHECK(read->kind == Kind::kData);
  CHECK(read->more);
  CHECK(read->credits == 0x0102);
  CHECK(read->message == 0x07080906);
  CHECK(read->offset == 0x0304050a);
}

TEST_CASE("fragments that fill their message are taken, however large it is") {
  CHECK(Header::decode(RawHeader{.message = 1}.bytes(1)));
  CHECK(Header::decode(RawHeader{.message = 100, .offset = 60}.bytes(40)));
  CHECK(Header::decode(RawHeader{.more = 1, .message = 100, .offset = 60}.bytes(39)));
  CHECK(Header::decode(RawHeader{.message = 0xffffffff, .offset = 0xfffffffe}.bytes(1)));
  CHECK(Header::decode(RawHeader{.more = 1, .credits = 65535, .message = 0xffffffff}.bytes(1)));
  CHECK(Header::decode(RawHeader{.kind = 2, .credits = 1}.bytes()));
  CHECK(Header::decode(RawHeader{.kind = 3}.bytes()));
  CHECK(Header::decode(RawHeader{.kind = 3, .credits = 7}.bytes()));
  CHECK(Header::decode(RawHeader{.kind = 4}.bytes()));
  CHECK(Header::decode(RawHeader{.kind = 4, .credits = 7}.bytes()));
}

TEST_CASE("a header that is none, or a fragment outside its message, is refused") {
  const Bytes good = RawHeader{.message = 5}.bytes(5);
  REQUIRE(Header::decode(good));
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(!Header::decode(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))));
  for (int kind = 0; kind < 256; ++kind) {
    if (kind != 1) CHECK(refused(RawHeader{.kind = static_cast<std::uint8_t>(kind), .message = 5}, 5));
    if (kind != 3 && kind != 4) CHECK(refused(RawHeader{.kind = static_cast<std::uint8_t>(kind)}));
  }
  for (int more = 2; more < 256; ++more)
    CHECK(refused(RawHeader{.more = static_cast<std::uint8_t>(more), .message = 6}, 5));
  for (int bit = 0; bit < 32; ++bit) CHECK(refused(RawHeader{.message = 5, .reserved = 1u << bit}, 5));
  SUBCASE("data") {
    CHECK(refused(RawHeader{.message = 0}));
    CHECK(refused(RawHeader{.message = 5}));
    CHECK(refused(RawHeader{.more = 1, .message = 5}));
    CHECK(refused(RawHeader{.message = 5}, 4));
    CHECK(refused(RawHeader{.message = 5}, 6));
    CHECK(refused(RawHeader{.more = 1, .message = 5}, 5));
    CHECK(refused(RawHeader{.more = 1, .message = 5}, 6));
    CHECK(refused(RawHeader{.message = 5, .offset = 1}, 5));
    CHECK(refused(RawHeader{.message = 5, .offset = 6}, 1));
    CHECK(refused(RawHeader{.message = 5, .offset = 5}));
    // 32 bits would not hold the sum.
    CHECK(refused(RawHeader{.message = 4, .offset = 0xffffffff}, 5));
    CHECK(refused(RawHeader{.message = 0xffffffff, .offset = 0xffffffff}, 1));
  }
  SUBCASE("credits, the end and the shut have nothing but themselves") {
    CHECK(refused(RawHeader{.kind = 2, .credits = 0}));
    for (const std::uint8_t kind : {std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{4}}) {
      CHECK(refused(RawHeader{.kind = kind, .credits = 1}, 1));
      CHECK(refused(RawHeader{.kind = kind, .more = 1, .credits = 1}));
      CHECK(refused(RawHeader{.kind = kind, .credits = 1, .message = 1}));
      CHECK(refused(RawHeader{.kind = kind, .credits = 1, .offset = 1}));
    }
  }
}

}  // namespace wire_test
