#include <doctest/doctest.h>

#include "dmtr_fixture.hpp"

namespace dmtr_codec_test {

using namespace demi;
using demi::test::Bytes;
using demi::test::header;
using demi::test::Message;
using demi::test::put_segment;
using demi::test::put_word;
using demi::test::wire;

namespace {

constexpr std::uint32_t kMax = 20000;

struct Fixture : test::ArenaFixture {
  dmtr::Decoder decoder{arena, kMax};

  std::int32_t feed(const Bytes& bytes, Sga& message) {
    std::span<const std::uint8_t> in(bytes);
    const std::int32_t result = decoder.decode(in, message);
    left = in.size();
    return result;
  }
  std::int32_t feed(const Bytes& bytes) {
    Sga none = 0;
    const std::int32_t result = feed(bytes, none);
    CHECK(none == 0);
    return result;
  }
  std::size_t left = 0;
};

}  // namespace

TEST_CASE("dmtr: the bytes of a known message") {
  // Written out by hand: "hello" and "!" as two segments.
  const Bytes expected{0x10, 0x10, 0x20, 0x10, 0,   0,   0,   14,  0, 0, 0, 2, 0,
                       0,    0,    5,    'h',  'e', 'l', 'l', 'o', 0, 0, 0, 1, '!'};
  test::ArenaFixture f;
  const Sga sga = f.make({"hello", "!"});
  CHECK(f.encode(sga) == expected);
  CHECK(dmtr::encoded_bytes(f.arena, sga) == expected.size());
  dmtr::Decoder decoder(f.arena, kMax);
  std::span<const std::uint8_t> in(expected);
  Sga message = 0;
  CHECK(decoder.decode(in, message) == 6);
  CHECK(in.empty());
  CHECK(f.segments(message) == Message{"hello", "!"});
}

TEST_CASE("dmtr: encoding leaves out exactly what a short write has sent") {
  test::ArenaFixture f;
  for (const Message& message : {Message{"hello", "!"}, Message{"", "ab", "", "", "c"}, Message(16, "0123456789"),
                                 Message{std::string(4096, 'x')}}) {
    const Sga sga = f.make(message);
    const Bytes whole = wire(message);
    for (std::size_t skip = 0; skip <= whole.size(); ++skip) {
      REQUIRE(f.encode(sga, skip) == Bytes(whole.begin() + static_cast<std::ptrdiff_t>(skip), whole.end()));
    }
    CHECK(f.encode(sga, whole.size() + 1).empty());
    f.arena.free(sga);
  }
}

TEST_CASE_FIXTURE(Fixture, "dmtr: any split of a stream gives the same messages") {
  Bytes stream = wire({"one"});
  const Bytes second = wire({"", "two", std::string(100, 'z')});
  stream.insert(stream.end(), second.begin(), second.end());
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    std::vector<Message> got;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
      std::span<const std::uint8_t> in(stream.data() + at, std::min(chunk, stream.size() - at));
      while (!in.empty()) {
        Sga message = 0;
        const std::int32_t result = decoder.decode(in, message);
        REQUIRE(result >= 0);
        if (result == 0) {
          REQUIRE(in.empty());
          continue;
        }
        REQUIRE(static_cast<std::uint32_t>(result) == arena.total(message));
        got.push_back(segments(message));
        arena.free(message);
      }
    }
    REQUIRE(got == std::vector<Message>{{"one"}, {"", "two", std::string(100, 'z')}});
    REQUIRE_FALSE(decoder.partial());
    REQUIRE(arena.device_slots() == 0);
  }
}

TEST_CASE_FIXTURE(Fixture, "dmtr: decode stops at the end of a message and leaves the next in the input") {
  Bytes stream = wire({"one"});
  const std::size_t first = stream.size();
  put_segment(stream, "rest");
  Sga message = 0;
  CHECK(feed(stream, message) == 3);
  CHECK(left == stream.size() - first);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: an empty last segment completes the message without further bytes") {
  Sga message = 0;
  CHECK(feed(wire({"x", ""}), message) == 1);
  CHECK(segments(message) == Message{"x", ""});
}

TEST_CASE_FIXTURE(Fixture, "dmtr: payload can be read straight into its slot") {
  const Bytes bytes = wire({"0123456789", "abc"});
  Sga message = 0;
  CHECK(decoder.target().empty());
  CHECK(feed(Bytes(bytes.begin(), bytes.begin() + 18)) == 0);  // header, length, "01"
  CHECK(decoder.target().size() == 8);
  CHECK(decoder.partial());
  std::copy_n(bytes.begin() + 18, 3, decoder.target().begin());
  CHECK(decoder.advance(3, message) == 0);
  CHECK(decoder.target().size() == 5);
  std::copy_n(bytes.begin() + 21, 5, decoder.target().begin());
  CHECK(decoder.advance(5, message) == 0);
  CHECK(decoder.target().empty());
  CHECK(decoder.advance(1, message) == 0);  // nothing to advance in
  CHECK(feed(Bytes(bytes.begin() + 26, bytes.begin() + 30)) == 0);
  REQUIRE(decoder.target().size() == 3);
  std::copy_n(bytes.begin() + 30, 3, decoder.target().begin());
  CHECK(decoder.advance(3, message) == 13);
  CHECK(segments(message) == Message{"0123456789", "abc"});
}

TEST_CASE_FIXTURE(Fixture, "dmtr: advancing beyond the target is clamped") {
  Bytes bytes = header(dmtr::kMagic, 7, 1);
  put_word(bytes, 3);
  CHECK(feed(bytes) == 0);
  Sga message = 0;
  std::memcpy(decoder.target().data(), "abc", 3);
  CHECK(decoder.advance(1000, message) == 3);
  CHECK(segments(message) == Message{"abc"});
}

// ---- hostile input -----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "dmtr: a wrong magic is EILSEQ, as soon as its four bytes are there") {
  for (const char* greeting : {"GET / HTTP/1.1\r\n\r\n", "PING", "\x10\x10\x20\x11"}) {
    const std::string text(greeting);
    decoder.reset();
    CHECK(feed(Bytes(text.begin(), text.end())) == -EILSEQ);
  }
  decoder.reset();
  CHECK(feed({0x10, 0x20, 0x10}) == 0);
  CHECK(feed({0x10}) == -EILSEQ);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: segment counts outside 1 to 16 are EPROTO") {
  for (const std::uint32_t segments : {0u, 17u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0x40000001u}) {
    CAPTURE(segments);
    decoder.reset();
    CHECK(feed(header(dmtr::kMagic, 100, segments)) == -EPROTO);
  }
}

TEST_CASE_FIXTURE(Fixture, "dmtr: a payload above the limit is EMSGSIZE before anything is taken") {
  for (const std::uint64_t body : {kMax + 5ull, 0x7fffffffull, 0x80000000ull, 0xffffffffull}) {
    CAPTURE(body);
    decoder.reset();
    CHECK(feed(header(dmtr::kMagic, body, 1)) == -EMSGSIZE);
    CHECK(arena.device_slots() == 0);
  }
  decoder.reset();
  CHECK(feed(header(dmtr::kMagic, kMax + 4, 1)) == 0);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: a segment above the largest slot is EMSGSIZE before its slot is taken") {
  Bytes bytes = header(dmtr::kMagic, 4097 + 4, 1);
  put_word(bytes, 4097);
  CHECK(feed(bytes) == -EMSGSIZE);
  CHECK(arena.device_slots() == 0);
  decoder.reset();
  Sga message = 0;
  CHECK(feed(wire({std::string(4096, 'x')}), message) == 4096);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: lengths that do not add up are EBADMSG") {
  const auto second = [&](std::uint64_t body, std::uint64_t length) {
    decoder.reset();
    Bytes bytes = header(dmtr::kMagic, body, 2);
    put_segment(bytes, "abc");
    put_word(bytes, length);
    return feed(bytes);
  };
  CHECK(second(15, 5) == -EBADMSG);
  CHECK(second(15, 3) == -EBADMSG);
  CHECK(second(15, 0) == -EBADMSG);
  CHECK(second(15, 0xffffffff) == -EBADMSG);
  CHECK(second(15, 0x80000000) == -EBADMSG);
  CHECK(second(15, 4) == 0);
  // The first segment alone exceeds the whole.
  decoder.reset();
  Bytes bytes = header(dmtr::kMagic, 15, 2);
  put_word(bytes, 8);
  CHECK(feed(bytes) == -EBADMSG);
  // h_bytes too small to hold its own length words.
  for (const std::uint64_t body : {0ull, 1ull, 7ull}) {
    decoder.reset();
    CHECK(feed(header(dmtr::kMagic, body, 2)) == -EBADMSG);
  }
  decoder.reset();
  CHECK(arena.device_slots() == 0);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: a message without payload is EBADMSG") {
  CHECK(feed(wire({""})) == -EBADMSG);
  decoder.reset();
  CHECK(feed(wire(Message(16))) == -EBADMSG);
  CHECK(arena.device_slots() == 0);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: an error sticks until reset, takes no more input and gives the slots back") {
  Bytes bytes = header(dmtr::kMagic, 15, 2);
  put_segment(bytes, "abc");
  CHECK(feed(bytes) == 0);
  CHECK(arena.device_slots() == 1);
  Bytes wrong;
  put_word(wrong, 9);
  CHECK(feed(wrong) == -EBADMSG);
  CHECK(arena.device_slots() == 0);
  CHECK(decoder.target().empty());
  const Bytes good = wire({"x"});
  CHECK(feed(good) == -EBADMSG);
  CHECK(left == good.size());
  Sga message = 0;
  CHECK(decoder.advance(1, message) == -EBADMSG);
  decoder.reset();
  CHECK(feed(good, message) == 1);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: a decoder that dies inside a message gives the slots back") {
  {
    dmtr::Decoder other(arena, kMax);
    Bytes bytes = header(dmtr::kMagic, 15, 2);
    put_segment(bytes, "abc");
    std::span<const std::uint8_t> in(bytes);
    Sga message = 0;
    CHECK(other.decode(in, message) == 0);
    CHECK(arena.device_slots() == 1);
  }
  CHECK(arena.device_slots() == 0);
}

TEST_CASE_FIXTURE(Fixture, "dmtr: an empty arena blocks without losing a byte") {
  std::vector<Sga> hog;
  const auto fill = [&] {
    while (const Sga sga = arena.alloc(1)) hog.push_back(sga);
  };
  const auto release_one = [&] {
    arena.free(hog.back());
    hog.pop_back();
  };
  fill();
  const Bytes bytes = wire({"first", "", "third"});
  std::span<const std::uint8_t> in(bytes);
  Sga message = 0;
  CHECK(decoder.decode(in, message) == dmtr::Decoder::kBlocked);
  CHECK(in.size() == bytes.size() - 16);  // header and length are kept inside
  CHECK(decoder.decode(in, message) == dmtr::Decoder::kBlocked);
  CHECK(decoder.partial());
  release_one();
  CHECK(decoder.decode(in, message) == dmtr::Decoder::kBlocked);  // now the second segment
  release_one();
  CHECK(decoder.decode(in, message) == dmtr::Decoder::kBlocked);
  std::span<const std::uint8_t> none;
  CHECK(decoder.decode(none, message) == dmtr::Decoder::kBlocked);
  release_one();
  CHECK(decoder.decode(none, message) == 0);  // unblocks without input
  CHECK(decoder.target().size() == 5);
  CHECK(decoder.decode(in, message) == 10);
  CHECK(segments(message) == Message{"first", "", "third"});
}

TEST_CASE("dmtr: a limit beyond int32 still gives lengths that fit") {
  test::ArenaFixture f;
  dmtr::Decoder decoder(f.arena, 0xffffffff);
  const Bytes bytes = header(dmtr::kMagic, 0xffffffff, 1);
  std::span<const std::uint8_t> in(bytes);
  Sga message = 0;
  CHECK(decoder.decode(in, message) == -EMSGSIZE);
}

// ---- datagrams -----------------------------------------------------------------------------------------------------------

TEST_CASE("dmtr datagram: a whole message, copied or in its own slot") {
  test::ArenaFixture f;
  for (const Message& message :
       {Message{"one"}, Message{"a", "", "bcd"}, Message(16, "x"), Message{std::string(4000, 'y')}}) {
    const Bytes bytes = wire(message);
    Sga got = 0;
    std::uint32_t length = 0;
    for (const auto& s : message) length += static_cast<std::uint32_t>(s.size());
    CHECK(dmtr::decode_datagram(f.arena, bytes, kMax, got) == static_cast<std::int32_t>(length));
    CHECK(f.segments(got) == message);
    f.arena.free(got);

    const Sga slot = f.make({std::string(bytes.begin(), bytes.end())});
    CHECK(dmtr::adopt_datagram(f.arena, slot, kMax, got) == static_cast<std::int32_t>(length));
    CHECK(f.segments(got) == message);
    CHECK((got == slot) == (message.size() == 1));
    f.arena.free(got);
    CHECK(f.arena.device_slots() == 0);
  }
}

TEST_CASE("dmtr datagram: cut short, with bytes to spare, or wrong: an error, and nothing taken") {
  test::ArenaFixture f;
  const auto decode = [&](const Bytes& bytes) {
    Sga message = 0;
    const std::int32_t copied = dmtr::decode_datagram(f.arena, bytes, kMax, message);
    const Sga slot = f.make({std::string(bytes.begin(), bytes.end())});
    CHECK(dmtr::adopt_datagram(f.arena, slot, kMax, message) == copied);
    CHECK(message == 0);
    CHECK(f.arena.device_slots() == 0);
    return copied;
  };
  const Bytes good = wire({"abc", "de"});
  for (std::size_t n = 0; n < good.size(); ++n) {
    CAPTURE(n);
    CHECK(decode(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))) == -EBADMSG);
  }
  Bytes longer = good;
  longer.push_back(0);
  CHECK(decode(longer) == -EBADMSG);
  Bytes magic = good;
  magic[0] = 0;
  CHECK(decode(magic) == -EILSEQ);
  CHECK(decode({'P', 'I', 'N', 'G'}) == -EILSEQ);
  Bytes count = good;
  count[11] = 17;
  CHECK(decode(count) == -EPROTO);
  Bytes length = good;
  length[15] = 4;
  CHECK(decode(length) == -EBADMSG);
  length[12] = 0xff;
  CHECK(decode(length) == -EBADMSG);
  CHECK(decode(header(dmtr::kMagic, 0xffffffff, 1)) == -EMSGSIZE);
  CHECK(decode(wire({""})) == -EBADMSG);
}

TEST_CASE("dmtr datagram: without memory ENOBUFS, and the datagram is still there") {
  test::ArenaFixture f;
  const Bytes bytes = wire({"abc", "de"});
  const Sga slot = f.make({std::string(bytes.begin(), bytes.end())});
  std::vector<Sga> hog;
  while (const Sga sga = f.arena.alloc(1)) hog.push_back(sga);
  Sga message = 0;
  CHECK(dmtr::decode_datagram(f.arena, bytes, kMax, message) == -ENOBUFS);
  CHECK(dmtr::adopt_datagram(f.arena, slot, kMax, message) == -ENOBUFS);
  CHECK(message == 0);
  f.arena.free(hog[0]);
  f.arena.free(hog[1]);
  CHECK(dmtr::adopt_datagram(f.arena, slot, kMax, message) == 5);
  CHECK(f.segments(message) == Message{"abc", "de"});
}

}  // namespace dmtr_codec_test
