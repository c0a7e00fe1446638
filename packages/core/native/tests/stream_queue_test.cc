#include <doctest/doctest.h>

#include "demi/net/stream_queue.hpp"
#include "seed.hpp"
#include "wire.hpp"
#include "wire_stream.hpp"

namespace stream_queue_test {

using namespace demi;
using demi::test::Completion;
using demi::test::Random;
using demi::test::Stream;

namespace {

using Results = std::vector<std::int32_t>;

std::string message(const test::Message& segments) {
  const test::Bytes bytes = test::wire(segments);
  return {bytes.begin(), bytes.end()};
}

// Takes all of a class away, so that the device side finds none of that size.
std::vector<Sga> hog(Arena& arena) {
  std::vector<Sga> out;
  for (std::size_t i = 0; i < arena.class_count(); ++i) {
    while (const Sga sga = arena.alloc_class(i)) out.push_back(sga);
  }
  return out;
}

}  // namespace

// ---- the half-close -------------------------------------------------------------------------------------------------

TEST_CASE("stream: shutdown sends the end behind the pushes, once") {
  Stream s;
  CHECK(s.wire->shutdown() == -ENOTCONN);
  s.connect();
  s.push("early");
  s.app.runtime().submit();
  CHECK(s.wire->shutdown() == 0);
  s.push("late");
  s.wire->connected();
  CHECK(s.results() == Results{0, -EPIPE});
  CHECK(s.wire->fins == 0);
  CHECK(s.wire->send(3) == "ear");
  CHECK(s.wire->fins == 0);
  CHECK(s.wire->send(100) == "ly");
  CHECK(s.wire->fins == 1);
  CHECK(s.results() == Results{5});
  CHECK(s.wire->shutdown() == 0);
  CHECK(s.wire->fins == 1);
  s.pop();
  CHECK(s.wire->arrive("an answer"));
  CHECK(s.results() == Results{9});
}

TEST_CASE("stream: shutdown waits for what the device still reads, and follows a cancelled push") {
  Stream s;
  s.connect();
  s.wire->connected();
  s.results();
  const Qt push = s.push("cancelled");
  s.turn();
  CHECK(s.wire->shutdown() == 0);
  CHECK(s.wire->fins == 0);
  s.wire->in_flight = true;
  CHECK(s.app.runtime().cancel(push) == 1);
  CHECK(s.wire->fins == 0);
  s.wire->in_flight = false;
  CHECK(s.wire->send(100).empty());
  CHECK(s.wire->fins == 1);
}

TEST_CASE("stream: a broken connection sends no end; one that could not be made forgets it") {
  Stream s;
  s.connect();
  CHECK(s.wire->shutdown() == 0);
  s.wire->connect_failed(-ECONNREFUSED);
  CHECK(s.results() == Results{-ECONNREFUSED});
  s.connect();
  s.wire->connected();
  s.push("a");
  s.turn();
  CHECK(s.wire->fins == 0);
  CHECK(s.wire->shutdown() == 0);
  s.wire->send_failed(-ECONNRESET);
  CHECK(s.wire->fins == 0);
  CHECK(s.results() == Results{-ECONNRESET});
}

// ---- the connection -------------------------------------------------------------------------------------------------

TEST_CASE("stream: pushes and pops need a connection, or one under way") {
  Stream s;
  s.push("early");
  s.pop();
  CHECK(s.results() == Results{-ENOTCONN, -ENOTCONN});

  const Qt connect = s.connect();
  const Qt push = s.push("waits");
  s.pop();
  CHECK(s.turn().empty());
  CHECK(s.wire->sends == 0);
  CHECK(s.wire->receives == 0);

  s.wire->connected();
  CHECK(s.wire->sends == 1);
  CHECK(s.wire->receives == 1);
  const auto done = s.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == connect);
  CHECK(done[0].result == 0);
  CHECK(s.wire->send(100) == "waits");
  CHECK(s.turn().at(0).qt == push);
}

TEST_CASE("stream: a connect that fails ends what waits for it, and may be tried again") {
  Stream s;
  s.connect();
  s.push("x");
  s.pop();
  s.turn();
  s.wire->connect_failed(-ECONNREFUSED);
  CHECK(s.results() == Results{-ECONNREFUSED, -ECONNREFUSED, -ECONNREFUSED});
  s.pop();
  CHECK(s.results() == Results{-ENOTCONN});
  s.connect();
  s.wire->connected();
  CHECK(s.results() == Results{0});
}

// ---- sending --------------------------------------------------------------------------------------------------------

TEST_CASE("stream: pushes go out in order and complete when all of their bytes are taken") {
  Stream s;
  s.wire->connected();
  s.push("first ");
  s.app.push(s.qd, s.app.from({"sec", "ond"}), layout::kFlagFree);
  CHECK(s.turn().empty());
  CHECK(s.wire->send(4) == "firs");
  CHECK(s.turn().empty());
  CHECK(s.wire->send(4) == "t se");
  CHECK(s.results() == Results{6});
  CHECK(s.wire->send(100) == "cond");
  CHECK(s.results() == Results{6});
  CHECK(s.wire->send(100).empty());
  s.close();
  CHECK(s.app.at_rest());
}

TEST_CASE("stream: framed pushes go out as messages, however short the sends") {
  const std::string expected = message({"one", "two"}) + message({"three"});
  for (std::size_t step = 1; step <= expected.size(); ++step) {
    Stream s(Framing::kDmtr);
    s.wire->connected();
    s.app.push(s.qd, s.app.from({"one", "two"}), layout::kFlagFree);
    s.push("three");
    s.turn();
    std::string out;
    while (out.size() < expected.size()) out += s.wire->send(step);
    CHECK(out == expected);
    CHECK(s.results() == Results{6, 5});
  }
}

TEST_CASE("stream: a push with an address, and one too many, are refused") {
  Limits limits = test::small_limits();
  limits.tokens = 2048;
  limits.ring_entries = 4096;
  Stream s(Framing::kStream, 0, limits);
  s.wire->connected();
  s.app.push(s.qd, s.app.from("to"), layout::kFlagFree | layout::kFlagTo);
  CHECK(s.results() == Results{-EISCONN});
  const Sga sga = s.app.from("again");
  for (std::size_t i = 0; i < net::StreamQueue::kMaxPushes; ++i) s.app.push(s.qd, sga);
  CHECK(s.turn().empty());
  s.app.push(s.qd, sga);
  CHECK(s.results() == Results{-EAGAIN});
  s.wire->send(5);
  s.app.push(s.qd, sga);
  CHECK(s.results() == Results{5});
}

TEST_CASE("stream: a push can be cancelled until the first of its bytes has gone") {
  Stream s;
  s.wire->connected();
  const Qt first = s.push("first");
  const Qt second = s.push("second");
  s.turn();
  s.wire->send(1);
  CHECK(s.app.runtime().cancel(first) == 0);
  CHECK(s.app.runtime().cancel(second) == 1);
  CHECK(s.results() == Results{-ECANCELED});
  const Qt third = s.push("third");
  s.turn();
  net::Outgoing out;
  s.wire->gather(out, true);  // the device reads it from here on
  CHECK(out.pushes == 2);
  CHECK(s.app.runtime().cancel(third) == 0);
  s.wire->sent(9);
  CHECK(s.results() == Results{5, 5});
}

TEST_CASE("stream: after a failed send, pushes the device still reads end when it is done") {
  Stream s;
  s.wire->connected();
  s.push("read by the device");
  s.turn();
  s.wire->in_flight = true;
  s.wire->send_failed(-EPIPE);
  CHECK(s.turn().empty());
  s.push("late");
  CHECK(s.results() == Results{-EPIPE});
  s.wire->in_flight = false;
  s.wire->send_failed(-ECONNRESET);  // the first error counts
  CHECK(s.results() == Results{-EPIPE});
}

// ---- receiving ------------------------------------------------------------------------------------------------------

TEST_CASE("stream: bytes go to the pop that waits, or stay until one comes") {
  Stream s;
  s.wire->connected();
  s.pop();
  CHECK(s.turn().empty());
  CHECK(s.wire->receives == 1);
  s.wire->arrive("met", 40);
  CHECK(s.wire->left == 3);
  CHECK(s.take_one() == "met");

  s.wire->arrive("kept");
  CHECK(s.wire->left == 3);
  CHECK(s.context.unpopped == 1);
  s.pop();
  CHECK(s.take_one() == "kept");
  CHECK(s.wire->left == 7);
  CHECK(s.context.unpopped == 0);
}

TEST_CASE("stream: a pop with a limit takes the front, the rest stays") {
  Stream s;
  s.wire->connected();
  s.pop(4);
  s.pop(100);
  s.turn();
  s.wire->arrive("abcdefgh", 54);
  const auto done = s.turn();
  REQUIRE(done.size() == 2);
  CHECK(s.take(done[0]) == "abcd");
  CHECK(s.take(done[1]) == "efgh");
  CHECK(s.wire->left == 8);

  s.wire->arrive("ijkl");
  s.pop(1);
  CHECK(s.take_one() == "i");
  CHECK(s.wire->left == 9);
  s.pop();
  CHECK(s.take_one() == "jkl");
  CHECK(s.wire->left == 12);
}

TEST_CASE("stream: a pop that needs a slot waits until one is free") {
  Stream s;
  s.wire->connected();
  s.wire->arrive("abcdefgh");
  auto hogged = hog(s.app.arena());
  s.pop(2);
  s.pop();
  CHECK(s.turn().empty());
  CHECK(s.wire->left == 0);
  CHECK_FALSE(s.wire->wants_bytes());
  s.app.arena().free(hogged.back());
  hogged.pop_back();
  const auto done = s.turn();
  REQUIRE(done.size() == 2);
  CHECK(s.take(done[0]) == "ab");
  CHECK(s.take(done[1]) == "cdefgh");
  CHECK(s.wire->left == 8);
  for (const Sga sga : hogged) s.app.arena().free(sga);
  s.close();
  CHECK(s.app.at_rest());
}

TEST_CASE("stream: cancelling the last pop stops the receive") {
  Stream s;
  s.wire->connected();
  const Qt first = s.pop();
  const Qt second = s.pop();
  s.turn();
  CHECK(s.app.runtime().cancel(first) == 1);
  CHECK(s.wire->stops == 0);
  CHECK(s.app.runtime().cancel(second) == 1);
  CHECK(s.wire->stops == 1);
}

TEST_CASE("stream: the end comes after all that arrived, to every pop") {
  Stream s;
  s.wire->connected();
  s.wire->arrive("last");
  s.wire->ended();
  s.pop();
  CHECK(s.take_one() == "last");
  s.pop();
  s.pop();
  CHECK(s.results() == Results{0, 0});
  CHECK(s.wire->receives == 0);
  s.push("the other way is open");
  CHECK(s.turn().empty());
  CHECK(s.wire->send(3) == "the");
}

TEST_CASE("stream: after a failure what arrived can be popped, then comes the error") {
  Stream s;
  s.wire->connected();
  s.push("never sent");
  s.turn();
  s.wire->arrive("before");
  s.wire->failed(-ECONNRESET);
  CHECK(s.results() == Results{-ECONNRESET});
  s.pop();
  CHECK(s.take_one() == "before");
  CHECK(s.wire->left == 6);
  s.pop();
  s.push("x");
  CHECK(s.results() == Results{-ECONNRESET, -ECONNRESET});
  // What comes all the same is dropped, and counted.
  s.wire->arrive("after");
  CHECK(s.wire->left == 11);
}

TEST_CASE("stream: an end that hides a reset which a send has met is an error") {
  Stream s;
  s.wire->connected();
  s.wire->send_failed(-ECONNRESET);
  s.wire->ended();
  s.pop();
  CHECK(s.results() == Results{-ECONNRESET});
}

TEST_CASE("stream: close ends what waits and drops what arrived") {
  Stream s;
  s.wire->connected();
  s.push("x");
  s.turn();
  s.wire->arrive("never");
  s.wire->arrive("popped");
  CHECK(s.close() == 11);
  CHECK(s.results() == Results{-ECANCELED});
  CHECK(s.context.unpopped == 0);
  CHECK(s.app.at_rest());
}

TEST_CASE("stream: a queue destroyed without a close frees what it held") {
  Stream s;
  {
    auto other = std::make_unique<test::WireStream>(s.context, SocketRequest{});
    other->connected();
    other->arrive("held");
    CHECK(s.context.unpopped == 1);
  }
  CHECK(s.context.unpopped == 0);
  CHECK(s.app.stats()["deviceSlots"] == 0);
}

// ---- messages -------------------------------------------------------------------------------------------------------

TEST_CASE("stream: messages pop as they were pushed, whatever the pieces") {
  const std::string stream = message({"one", "two"}) + message({"three"});
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    Stream s(Framing::kDmtr);
    s.wire->connected();
    s.pop();
    s.pop();
    s.turn();
    for (std::size_t at = 0; at < stream.size(); at += step) {
      s.wire->arrive(std::string_view(stream).substr(at, step), 7);
      // While a pop waits nothing is kept back.
      if (s.wire->wants_bytes()) CHECK(s.wire->left == s.wire->arrived);
    }
    const auto done = s.turn();
    REQUIRE(done.size() == 2);
    CHECK(s.app.segments(done[0].value) == std::vector<std::string>{"one", "two"});
    CHECK(s.take(done[0]) == "onetwo");
    CHECK(s.take(done[1]) == "three");
    CHECK(s.wire->left == stream.size());
    s.close();
    CHECK(s.app.at_rest());
  }
}

TEST_CASE("stream: messages are decoded only as pops ask for them") {
  Stream s(Framing::kDmtr);
  s.wire->connected();
  const std::string one = message({"one"});
  s.wire->arrive(one + message({"two"}));
  CHECK(s.wire->left == 0);
  s.pop();
  CHECK(s.take_one() == "one");
  CHECK(s.wire->left == one.size());
  CHECK(s.context.unpopped == 1);
  s.pop();
  CHECK(s.take_one() == "two");
  CHECK(s.wire->left == s.wire->arrived);
}

TEST_CASE("stream: a message too long for the pop it meets stays for the next") {
  Stream s(Framing::kDmtr);
  s.wire->connected();
  s.wire->arrive(message({"too long"}));
  s.pop(3);
  CHECK(s.results() == Results{-EMSGSIZE});
  s.pop(8);
  CHECK(s.take_one() == "too long");
  CHECK(s.wire->left == s.wire->arrived);
}

TEST_CASE("stream: a message waits for memory, and its rest stays unread meanwhile") {
  Stream s(Framing::kDmtr);
  s.wire->connected();
  const std::string stream = message({"abc"});
  s.wire->arrive(stream);
  const auto hogged = hog(s.app.arena());
  s.pop();
  CHECK(s.turn().empty());
  CHECK(s.wire->left == stream.size() - 3);
  for (const Sga sga : hogged) s.app.arena().free(sga);
  CHECK(s.take_one() == "abc");
  CHECK(s.wire->left == stream.size());
}

TEST_CASE("stream: a peer that breaks the format loses the connection") {
  Stream s(Framing::kDmtr);
  s.wire->connected();
  s.wire->arrive(message({"good"}) + "GET / HTTP/1.1\r\n");
  s.wire->arrive("more of that");
  s.push("answer");
  s.pop();
  CHECK(s.take_one() == "good");
  CHECK(s.wire->ends == 0);
  s.pop();
  CHECK(s.results() == Results{-EILSEQ, -EILSEQ});
  CHECK(s.wire->ends == 1);
  CHECK(s.context.bad_messages == 1);
  CHECK(s.wire->left == s.wire->arrived);
  s.wire->arrive("and more");
  CHECK(s.wire->left == s.wire->arrived);
  s.push("x");
  s.pop();
  CHECK(s.results() == Results{-EILSEQ, -EILSEQ});
  CHECK(s.wire->ends == 1);
}

TEST_CASE("stream: an end inside a message is an error") {
  Stream s(Framing::kDmtr);
  s.wire->connected();
  s.wire->arrive(message({"cut off"}).substr(0, 18));
  s.pop();
  s.turn();
  s.wire->ended();
  CHECK(s.results() == Results{-ECONNABORTED});
}

// ---- every byte once ------------------------------------------------------------------------------------------------

namespace {

// One connection with random arrivals, pops, cancels and shortages. Everything popped is a prefix of what was sent, and every
// byte that arrived leaves the queue once.
void live(Random& random, bool framed) {
  Stream s(framed ? Framing::kDmtr : Framing::kStream, 1000);
  s.wire->connected();
  std::string stream;    // what the peer sends, as far as it has been thought up
  std::string expected;  // what pops give of it
  std::string delivered;
  std::size_t at = 0;
  std::vector<Sga> hogged;
  std::vector<Qt> pops;
  const auto collect = [&] {
    for (const Completion& c : s.turn()) {
      std::erase(pops, c.qt);
      if (c.result > 0) delivered += s.take(c);
    }
    CHECK(s.wire->left <= s.wire->arrived);
    if (s.wire->wants_bytes()) CHECK(s.wire->left == s.wire->arrived);
    if (!framed) CHECK(s.wire->left == delivered.size());
  };
  for (int step = 0; step < 200; ++step) {
    switch (random.below(6)) {
      case 0:
      case 1: {
        std::string text(1 + random.below(300), 0);
        for (char& c : text) c = static_cast<char>(random.bits());
        expected += text;
        stream += framed ? message({text}) : text;
        break;
      }
      case 2: {
        const std::size_t n = std::min<std::size_t>(1 + random.below(400), stream.size() - at);
        if (n != 0 && s.wire->arrive(std::string_view(stream).substr(at, n), random.below(50))) at += n;
        break;
      }
      case 3:
        if (pops.size() < 20)
          pops.push_back(s.pop(framed || random.one_in(2) ? 0 : 1 + static_cast<int>(random.below(200))));
        break;
      case 4:
        if (!pops.empty() && random.one_in(4))
          s.app.runtime().cancel(pops[random.below(static_cast<std::uint32_t>(pops.size()))]);
        break;
      default:
        if (hogged.empty() && random.one_in(3)) {
          hogged = hog(s.app.arena());
        } else {
          for (const Sga sga : hogged) s.app.arena().free(sga);
          hogged.clear();
        }
    }
    collect();
  }
  for (const Sga sga : hogged) s.app.arena().free(sga);
  // Between messages, or it would be taken for a part of one.
  if (framed && at == stream.size() && random.one_in(2)) s.wire->arrive("no message at all");
  if (random.one_in(2)) s.wire->failed(-ECONNRESET);
  if (random.one_in(2)) s.wire->ended();
  for (int i = 0; i < 10; ++i) collect();
  CHECK(expected.starts_with(delivered));

  // Closed at any moment, the rest still leaves.
  const std::size_t arrived = s.wire->arrived;
  CHECK(s.close() == arrived);
  for (const Completion& c : s.turn()) s.take(c);
  CHECK(s.context.unpopped == 0);
  CHECK(s.app.at_rest());
}

}  // namespace

TEST_CASE("stream: whatever happens, every byte that arrived leaves the queue once") {
  Random random(test::seed("stream"));
  for (int i = 0; i < 300; ++i) {
    live(random, false);
    live(random, true);
  }
}

}  // namespace stream_queue_test
