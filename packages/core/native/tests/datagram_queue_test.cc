#include <doctest/doctest.h>

#include <deque>

#include "application.hpp"
#include "demi/net/datagram_queue.hpp"
#include "wire.hpp"

namespace datagram_queue_test {

using namespace demi;
using demi::test::Application;
using demi::test::Completion;

namespace {

using Results = std::vector<std::int32_t>;

constexpr std::size_t kMostWaiting = 4;

Address at(int port) {
  Address out;
  REQUIRE(Address::parse("10.0.0.1", port, out) == 0);
  return out;
}

// A datagram queue whose transport is the test.
class WireDatagrams final : public net::DatagramQueue {
 public:
  WireDatagrams(Runtime& runtime, const SocketRequest& request) : DatagramQueue(runtime, request, kMostWaiting) {}

  using DatagramQueue::fail_pop;
  using DatagramQueue::has_room;
  using DatagramQueue::received;
  using DatagramQueue::resume_send;
  using DatagramQueue::stranger;
  using DatagramQueue::wants_datagrams;
  using DatagramQueue::wants_send;

  void connect(Op& op, const Address& to) override {
    connected(to);
    runtime_.complete(op, 0);
  }
  void close(std::unique_ptr<Queue>) override { end_all(); }

  // What received() makes of a datagram; -ENOSPC when the arena has no slot for it.
  int arrive(std::string_view bytes, const Address& from = at(1)) {
    Arena& arena = runtime_.arena();
    const Sga sga = arena.alloc(static_cast<std::uint32_t>(bytes.size()));
    if (sga == 0) return -ENOSPC;
    std::memcpy(arena.slot_start(sga), bytes.data(), bytes.size());
    arena.set_range(sga, 0, static_cast<std::uint32_t>(bytes.size()));
    arena.set_address(sga, from);
    const int result = received(sga);
    if (result == -ENOBUFS) refused = sga;
    return result;
  }

  struct Sent {
    std::string bytes;
    int port;
  };
  std::vector<Sent> sent;
  std::deque<int> answers;  // of send(), 0 after the last
  int await_error = 0;
  int awaited = 0;
  int receives = 0;  // calls of start_receive()
  Sga refused = 0;   // there was no memory to take it apart

 private:
  int send(std::span<const iovec> pieces, const Address& to) override {
    if (!answers.empty()) {
      const int answer = answers.front();
      answers.pop_front();
      if (answer != 0) return answer;
    }
    if (to.family == 0 && peer_.family == 0) return -EDESTADDRREQ;
    std::string bytes;
    for (const iovec& piece : pieces) bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    sent.push_back({bytes, to.port});
    return 0;
  }
  int await_send() override {
    ++awaited;
    return await_error;
  }
  void start_receive() override { ++receives; }
};

// A device that always takes what it is sent, or says why not.
class Impatient final : public net::DatagramQueue {
 public:
  explicit Impatient(Runtime& runtime) : DatagramQueue(runtime, {}, 1) {}
  void close(std::unique_ptr<Queue>) override { end_all(); }

 private:
  int send(std::span<const iovec>, const Address&) override { return -EAGAIN; }
};

Limits limits() {
  Limits out = test::small_limits();
  out.tokens = 2048;
  out.ring_entries = 2048;
  return out;
}

struct Datagrams {
  explicit Datagrams(Framing framing = Framing::kStream, std::uint32_t max_message = 1000) {
    const SocketRequest request{
        .kind = SocketKind::kDatagram, .family = 4, .framing = framing, .max_message = max_message};
    auto queue = std::make_unique<WireDatagrams>(app.runtime(), request);
    wire = queue.get();
    qd = app.runtime().adopt(std::move(queue));
  }

  Qt push(std::string_view text) { return app.push(qd, app.from(text), layout::kFlagFree); }
  Qt push_to(std::string_view text, const Address& to) {
    const Sga sga = app.from(text);
    app.arena().set_address(sga, to);
    return app.push(qd, sga, layout::kFlagFree | layout::kFlagTo);
  }
  Qt pop(std::int32_t limit = 0) { return app.pop(qd, limit); }
  void connect(const Address& to) {
    const Qt qt = app.take_token();
    app.runtime().connect(qd, qt, to);
    CHECK(app.turn().at(0).qt == qt);
  }
  Results results() {
    Results out;
    for (const Completion& c : app.turn()) out.push_back(c.result);
    return out;
  }
  // What the next turn's pops brought, freed.
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const Completion& c : app.turn()) {
      REQUIRE(c.value != 0);
      out.push_back(app.text(c.value));
      CHECK(c.result == static_cast<std::int32_t>(out.back().size()));
      app.arena().free(c.value);
    }
    return out;
  }
  // Everything is given back.
  void close() {
    app.runtime().close(qd);
    app.turn();
    CHECK(app.at_rest());
  }

  Application app{limits()};
  WireDatagrams* wire = nullptr;
  Qd qd = 0;
};

using Texts = std::vector<std::string>;

std::string message(const test::Message& segments) {
  const test::Bytes bytes = test::wire(segments);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

// ---- sending --------------------------------------------------------------------------------------------------------

TEST_CASE("datagrams: each push is one, to its address or the peer's") {
  Datagrams s;
  s.push("nowhere");
  s.push_to("there", at(7));
  CHECK(s.results() == Results{-EDESTADDRREQ, 5});
  s.connect(at(9));
  s.push("peer");
  CHECK(s.results() == Results{4});
  REQUIRE(s.wire->sent.size() == 2);
  CHECK(s.wire->sent[0].bytes == "there");
  CHECK(s.wire->sent[0].port == 7);
  CHECK(s.wire->sent[1].bytes == "peer");
  CHECK(s.wire->sent[1].port == 0);
  CHECK(s.wire->awaited == 0);
  s.close();
}

TEST_CASE("datagrams: an address of the other family, or none, is refused") {
  Datagrams s;
  Address six;
  REQUIRE(Address::parse("::1", 7, six) == 0);
  s.push_to("x", six);
  s.push_to("x", Address{});
  CHECK(s.results() == Results{-EAFNOSUPPORT, -EDESTADDRREQ});
  CHECK(s.wire->sent.empty());
  s.close();
}

TEST_CASE("datagrams: what the device does not take now waits in order, and an error ends one push") {
  Datagrams s;
  s.connect(at(9));
  s.wire->answers = {-EAGAIN};
  const Qt first = s.push("first");
  const Qt second = s.push("second");
  const Qt third = s.push("third");
  CHECK(s.results().empty());
  CHECK(s.wire->awaited == 1);
  CHECK(s.wire->wants_send());
  CHECK(s.app.runtime().cancel(second) == 1);
  CHECK(s.app.turn().at(0).qt == second);
  s.wire->answers = {0, -EAGAIN};
  CHECK_FALSE(s.wire->resume_send());
  CHECK(s.app.turn().at(0).qt == first);
  s.wire->answers = {-EMSGSIZE};
  CHECK(s.wire->resume_send());
  const auto done = s.app.turn();
  CHECK(done.at(0).qt == third);
  CHECK(done.at(0).result == -EMSGSIZE);
  CHECK_FALSE(s.wire->wants_send());
  CHECK(s.wire->sent.size() == 1);
  s.close();
}

TEST_CASE("datagrams: a device that cannot be waited for ends the push that would have to") {
  Datagrams s;
  s.connect(at(9));
  s.wire->answers = {-EAGAIN};
  s.wire->await_error = -ENOMEM;
  s.push("x");
  CHECK(s.results() == Results{-ENOMEM});
  CHECK_FALSE(s.wire->wants_send());
  const Qd other = s.app.runtime().adopt(std::make_unique<Impatient>(s.app.runtime()));
  s.app.push(other, s.app.from("x"), layout::kFlagFree);
  CHECK(s.results() == Results{-EAGAIN});
  CHECK(s.app.runtime().close(other) == 0);
  s.close();
}

TEST_CASE("datagrams: pushes that wait are limited") {
  Datagrams s;
  s.connect(at(9));
  s.wire->answers = {-EAGAIN};
  const Sga sga = s.app.from("x");
  for (std::size_t i = 0; i < net::DatagramQueue::kMaxPushes + 1; ++i) s.app.push(s.qd, sga);
  CHECK(s.results() == Results{-EAGAIN});
  CHECK(s.wire->resume_send());
  CHECK(s.results() == Results(net::DatagramQueue::kMaxPushes, 1));
  s.app.free(sga);
  s.close();
}

// ---- receiving ------------------------------------------------------------------------------------------------------

TEST_CASE("datagrams: pops and datagrams meet in order, with the address") {
  Datagrams s;
  s.pop();
  s.app.turn();
  CHECK(s.wire->receives == 1);
  CHECK(s.wire->wants_datagrams());
  CHECK(s.wire->arrive("one", at(11)) == 0);
  CHECK_FALSE(s.wire->wants_datagrams());
  CHECK(s.wire->arrive("two") == 0);
  CHECK(s.wire->arrive("") == 0);
  s.pop();  // takes the short way
  s.pop(3);
  const auto done = s.app.turn();
  REQUIRE(done.size() == 3);
  CHECK(s.app.arena().address(done[0].value).port == 11);
  CHECK(s.app.text(done[0].value) == "one");
  CHECK(s.app.text(done[1].value) == "two");
  // An empty datagram is one, not an end.
  CHECK(done[2].result == 0);
  CHECK(done[2].value != 0);
  for (const Completion& c : done) s.app.arena().free(c.value);
  CHECK(s.wire->receives == 1);
  s.close();
}

TEST_CASE("datagrams: a pop that is too short is EMSGSIZE, and the datagram stays for the next") {
  Datagrams s;
  CHECK(s.wire->arrive("four") == 0);
  s.pop(3);
  s.pop(4);
  auto done = s.app.turn();
  CHECK(done.at(0).result == -EMSGSIZE);
  CHECK(done.at(0).value == 0);
  CHECK(done.at(1).result == 4);
  s.app.arena().free(done.at(1).value);
  // The same when the pops were there first.
  s.pop(1);
  s.pop(2);
  s.pop(3);
  s.app.turn();
  CHECK(s.wire->arrive("xyz") == 0);
  done = s.app.turn();
  REQUIRE(done.size() == 3);
  CHECK(done[0].result == -EMSGSIZE);
  CHECK(done[1].result == -EMSGSIZE);
  CHECK(done[2].result == 3);
  s.app.arena().free(done[2].value);
  s.close();
}

TEST_CASE("datagrams: those that wait are limited") {
  Datagrams s;
  for (std::size_t i = 0; i < kMostWaiting; ++i) {
    CHECK(s.wire->has_room());
    CHECK(s.wire->arrive("x") == 0);
  }
  CHECK_FALSE(s.wire->has_room());
  s.pop();
  CHECK(s.texts() == Texts{"x"});
  CHECK(s.wire->has_room());
  s.close();
}

TEST_CASE("datagrams: of strangers, what came before connect is dropped and the rest known for what it is") {
  Datagrams s;
  CHECK_FALSE(s.wire->stranger(at(2)));
  CHECK(s.wire->arrive("a", at(1)) == 0);
  CHECK(s.wire->arrive("b", at(2)) == 0);
  CHECK(s.wire->arrive("c", at(1)) == 0);
  CHECK(s.wire->arrive("d", at(3)) == 0);
  s.connect(at(1));
  CHECK(s.wire->stranger(at(2)));
  CHECK_FALSE(s.wire->stranger(at(1)));
  for (int i = 0; i < 3; ++i) s.pop();
  CHECK(s.texts() == Texts{"a", "c"});
  CHECK(s.wire->arrive("e", at(1)) == 0);
  CHECK(s.texts() == Texts{"e"});
  // Another peer, the same again.
  CHECK(s.wire->arrive("f", at(1)) == 0);
  s.connect(at(2));
  CHECK_FALSE(s.wire->stranger(at(2)));
  s.pop();
  CHECK(s.app.turn().empty());
  s.close();
}

TEST_CASE("datagrams: an error of the device's ends the oldest pop") {
  Datagrams s;
  const Qt first = s.pop();
  s.pop();
  s.app.turn();
  s.wire->fail_pop(-ECONNREFUSED);
  const auto done = s.app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == first);
  CHECK(done[0].result == -ECONNREFUSED);
  CHECK(s.wire->arrive("x") == 0);
  CHECK(s.texts() == Texts{"x"});
  s.close();
}

TEST_CASE("datagrams: closing ends pushes and pops, and gives back what arrived") {
  Datagrams s;
  s.connect(at(9));
  s.wire->answers = {-EAGAIN};
  s.push("never sent");
  const Qt cancelled = s.pop();
  s.pop();
  s.app.turn();
  CHECK(s.app.runtime().cancel(cancelled) == 1);
  CHECK(s.results() == Results{-ECANCELED});
  CHECK(s.app.runtime().close(s.qd) == 0);
  CHECK(s.results() == Results{-ECANCELED, -ECANCELED});
  CHECK(s.app.at_rest());

  Datagrams full;
  for (std::size_t i = 0; i < kMostWaiting; ++i) CHECK(full.wire->arrive("x") == 0);
  full.close();
}

// ---- framing --------------------------------------------------------------------------------------------------------

TEST_CASE("datagrams: framed, each is one message") {
  Datagrams s(Framing::kDmtr);
  s.connect(at(9));
  s.app.push(s.qd, s.app.from({"he", "llo"}), layout::kFlagFree);
  CHECK(s.results() == Results{5});
  const std::string framed = message({"he", "llo"});
  CHECK(s.wire->sent.at(0).bytes == framed);
  CHECK(s.wire->arrive(framed, at(5)) == 0);
  CHECK(s.wire->arrive(message({"x"}), at(6)) == 0);
  s.pop();
  s.pop();
  const auto done = s.app.turn();
  REQUIRE(done.size() == 2);
  CHECK(s.app.segments(done[0].value) == Texts{"he", "llo"});
  CHECK(s.app.arena().address(done[0].value).port == 5);
  CHECK(s.app.segments(done[1].value) == Texts{"x"});
  CHECK(s.app.arena().address(done[1].value).port == 6);
  for (const Completion& c : done) s.app.arena().free(c.value);
  s.close();
}

TEST_CASE("datagrams: framed, what is no message is gone and no pop's affair") {
  Datagrams s(Framing::kDmtr, 4);
  s.pop();
  s.app.turn();
  CHECK(s.wire->arrive("garbage garbage") == -EILSEQ);
  CHECK(s.wire->arrive(message({"12345"})) == -EMSGSIZE);
  CHECK(s.wire->arrive(message({"1234"}) + "x") == -EBADMSG);
  CHECK(s.app.turn().empty());
  CHECK(s.app.arena().device_slots() == 0);
  CHECK(s.wire->arrive(message({"1234"})) == 0);
  CHECK(s.texts() == Texts{"1234"});
  s.close();
}

TEST_CASE("datagrams: framed, one there is no memory to take apart is still the transport's") {
  Datagrams s(Framing::kDmtr);
  s.pop();
  s.app.turn();
  Arena& arena = s.app.arena();
  // One slot for the datagram; its two segments find none.
  std::vector<Sga> taken;
  for (std::size_t i = 0; i < arena.class_count(); ++i) {
    while (const Sga sga = arena.alloc_class(i)) taken.push_back(sga);
  }
  arena.free(taken.front());
  CHECK(s.wire->arrive(message({"a", "b"})) == -ENOBUFS);
  CHECK(s.wire->wants_datagrams());
  for (std::size_t i = 1; i < taken.size(); ++i) arena.free(taken[i]);
  CHECK(s.wire->received(s.wire->refused) == 0);
  CHECK(s.texts() == Texts{"ab"});
  s.close();
}

}  // namespace datagram_queue_test
