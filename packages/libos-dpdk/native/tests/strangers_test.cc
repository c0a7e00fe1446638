// What somebody sends who is on the wire but not in the conversation: each of these frames alone stopped a connection, the address, or the
// process, because lwIP 2.1 believes it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lwip_farewells.hpp"
#include "neighbours.hpp"
#include "seed.hpp"
#include "tcp_peer.hpp"

namespace strangers_test {

using namespace demi::dpdk::test;
using demi::Qd;
using demi::SocketKind;
using demi::dpdk::LwipFarewells;
using demi::test::Random;
namespace layout = demi::layout;

namespace {

constexpr std::uint16_t kService = 7;
constexpr std::uint8_t kPacketTooBig = 2, kNeighbourAdvertisement = 136, kRedirect = 137;

// A connection to an echo that goes on through everything, and says so with data both ways.
struct Talk {
  WireBed bed;
  int family;
  EchoServer server;
  TcpPeer client;
  unsigned completions = 0;
  unsigned requests = 0;  // ARP

  explicit Talk(int family)
      : family(family), server(bed, family, kService), client(bed, peer(family, 5000, 1), kService) {
    bed.on_frame = [this](const Bytes& frame) {
      if (type_of(frame) == kTypeArp && get16(frame, 20) == 1) ++requests;
      client.take(frame);
    };
    bed.on_completion.push_back([this](const auto&) { ++completions; });
  }
  void open() {
    REQUIRE(client.open());
    goes_on();
  }
  void goes_on() {
    const std::string said = "said " + std::to_string(client.next) + std::string(1500, '.');
    const std::size_t before = client.received.size();
    CHECK(client.deliver(said));
    CHECK(bed.until([&] { return client.received.size() >= before + said.size(); }, 20'000));
    CHECK(client.received.substr(before) == said);
    CHECK(!client.was_reset);
  }
};

Bytes icmp6(const Host& from, const Host& to, Bytes message) {
  Bytes frame = packet(from, to, kIcmp6, message);
  frame[kEthernet + 7] = 255;
  repair(frame, false);
  return frame;
}

// Appends an address.
void add(Bytes& to, const demi::Address& address) { to.insert(to.end(), address.bytes.begin(), address.bytes.end()); }

}  // namespace

TEST_CASE("a probe of a closed window that is acknowledged while the window stays closed") {
  for (const int family : {4, 6}) {
    Talk t(family);
    t.client.acknowledging = false;
    Segment syn = t.client.segment(kSyn);
    syn.window = 0;
    t.client.send(syn);
    REQUIRE(t.bed.until([&] { return t.client.established; }));
    const auto say = [&](std::string_view data) {
      Segment segment = t.client.segment(kAck, data);
      segment.window = 0;
      t.client.send(segment);
      t.client.next += static_cast<std::uint32_t>(data.size());
    };
    say("");
    say("x");
    // Its echo comes as the probe.
    REQUIRE(t.bed.until([&] { return t.client.received == "x"; }, 20'000));
    say("");
    t.bed.run(20'000);
    t.client.acknowledging = true;
    t.goes_on();
  }
}

TEST_CASE("a path narrower than IPv6 allows is not believed") {
  for (const std::uint32_t mtu : {0u, 1u, 47u, 48u, 49u, 60u, 1279u}) {
    CAPTURE(mtu);
    Talk t(6);
    t.open();
    Bytes message{kPacketTooBig, 0, 0, 0, 0, 0, 0, 0};
    put32(message, 4, mtu);
    const Bytes quoted =
        tcp(ours(6, kService), t.client.self(), {.from = kService, .to = 5000, .options = {}, .data = bytes("quoted")});
    message.insert(message.end(), quoted.begin() + kEthernet, quoted.end());
    t.bed.send(icmp6(peer(6, 0, 9), ours(6), message));
    t.bed.pump();
    CHECK(t.bed.stat("packetsSpoofed") == 1);
    t.goes_on();
    CHECK(clean_echo(t.bed, 6, kService));
  }
}

TEST_CASE("nobody takes our address away by saying that it is his") {
  Talk t(6);
  t.open();
  Bytes message{kNeighbourAdvertisement, 0, 0, 0, 0x20, 0, 0, 0};
  add(message, ours(6).ip);
  message.insert(message.end(), {2, 1, 2, 0, 0, 0, 9, 9});
  const Host everybody{{0x33, 0x33, 0, 0, 0, 1}, ip("ff02::1")};
  for (int i = 0; i < 3; ++i) t.bed.send(icmp6(peer(6, 0, 9), everybody, message));
  t.bed.run(100);
  CHECK(t.bed.stat("packetsSpoofed") == 3);
  t.goes_on();
}

TEST_CASE("a redirect sends nothing elsewhere") {
  Talk t(6);
  t.open();
  Bytes message{kRedirect, 0, 0, 0, 0, 0, 0, 0};
  add(message, ip("fe80::66"));
  add(message, t.client.self().ip);
  const Host router{peer(6, 0, 9).mac, ip("fe80::1")};
  t.bed.send(icmp6(router, ours(6), message));
  t.bed.run(100);
  CHECK(t.bed.stat("packetsSpoofed") == 1);
  t.goes_on();
}

TEST_CASE("a datagram that says it comes from us is not answered, which would go round for ever") {
  for (const int family : {4, 6}) {
    Talk t(family);
    t.open();
    const unsigned before = t.completions;
    Bytes frame = udp(ours(family, kService), ours(family, kService), "round");
    const Mac stranger = peer(family, 0, 9).mac;
    std::copy(stranger.begin(), stranger.end(), frame.begin() + 6);
    t.bed.send(frame);
    t.bed.run(50);
    CHECK(t.completions == before);
    CHECK(t.bed.stat("packetsSpoofed") == 1);
    t.goes_on();
  }
}

TEST_CASE("segments with the right addresses and the wrong numbers change nothing of a connection") {
  Random random(demi::test::seed("strangers"));
  for (const int family : {4, 6}) {
    Talk t(family);
    t.open();
    for (int i = 0; i < 400; ++i) {
      Segment blind = t.client.segment(kAck);
      const auto far = [&] { return 0x100'000 + random.below(0x7fff'0000); };
      switch (i % 5) {
        case 0:  // a window of nothing, from nowhere
          blind.sequence += far();
          blind.acknowledged += far();
          break;
        case 1:  // from the right place
          blind.acknowledged += far();
          break;
        case 2:
          blind.flags = kAck | kFin;
          blind.sequence += 20'000;
          blind.acknowledged += far();
          break;
        case 3:
          blind.data = bytes("forged");
          blind.acknowledged -= far();
          break;
        default:  // without an acknowledgement at all
          blind.flags = i % 2 == 0 ? kFin : kPush;
          blind.data = bytes("forged");
          blind.acknowledged = 0;
      }
      blind.window = 0;
      t.client.send(blind);
      if (i % 10 == 0) t.bed.run(1);
    }
    t.bed.run(100);
    CHECK(t.bed.stat("segmentsRefused") == 400);
    t.goes_on();
  }
}

TEST_CASE("a segment that is refused is answered, as often as is good for both") {
  Talk t(4);
  t.open();
  unsigned answers = 0;
  t.bed.on_frame = [&](const Bytes& frame) { answers += t.client.take(frame) ? 1 : 0; };
  Segment blind = t.client.segment(kAck);
  blind.acknowledged += 1'000'000;
  for (int i = 0; i < 1000; ++i) {
    t.client.send(blind);
    if (i % 100 == 0) t.bed.pump();
  }
  t.bed.run(10);
  CHECK(answers == 100);
}

TEST_CASE("a keep-alive, and a probe of our window, are answered") {
  Talk t(4);
  t.open();
  unsigned answers = 0;
  t.bed.on_frame = [&](const Bytes& frame) { answers += t.client.take(frame) ? 1 : 0; };
  Segment alive = t.client.segment(kAck);
  alive.sequence -= 1;
  t.client.send(alive);
  alive.data = bytes("?");
  t.client.send(alive);
  t.bed.run(50);
  CHECK(answers == 2);
  CHECK(t.bed.stat("segmentsRefused") == 0);
}

TEST_CASE("bytes that leave gaps do not make a connection slow for the others") {
  Talk t(4);
  t.open();
  const std::size_t before = heap_bytes();
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Segment gap = t.client.segment(kAck, "g");
    gap.sequence += 2 + 2 * (i % 15'000);
    t.client.send(gap);
    if (i % 64 == 0) t.bed.run(1);
  }
  t.bed.run(100);
  CHECK(heap_bytes() < before + (1u << 20));
  t.goes_on();
}

TEST_CASE("whoever makes us look for strangers does not flood the network with it") {
  Talk t(4);
  t.open();
  t.bed.answers = false;
  t.requests = 0;
  // Datagrams that are echoed to nobody, from 200 addresses.
  for (std::uint32_t i = 0; i < 4000; ++i) {
    t.bed.send(udp(peer(4, 9, 2 + i % 150), ours(4, kService), "who am I"));
    if (i % 2 == 0) t.bed.run(1);
  }
  CHECK(t.requests > 100);
  // Two seconds and a bit, this many a second in turn, and as many single ones.
  CHECK(t.requests < 3 * (10 * demi::dpdk::Neighbours::kAskedAtOnce + demi::dpdk::Neighbours::kMostAsked));
  t.bed.answers = true;
  t.bed.run(2 * demi::dpdk::Neighbours::kPatienceMs);
  t.goes_on();
}

TEST_CASE("a closed connection whose peer takes nothing, and says so, is let go of") {
  for (const bool ends_first : {false, true}) {
    CAPTURE(ends_first);
    WireBed bed;
    const auto accepted = bed.accept(bed.listener(4, 9));
    TcpPeer client(bed, peer(4, 5000, 1), 9);
    client.acknowledging = false;
    bool open = false;
    bed.on_frame = [&](const Bytes& frame) {
      if (!client.take(frame) || client.was_reset || !open) return;
      Segment full = client.segment(kAck);
      full.window = 0;
      client.send(full);
    };
    client.acknowledging = true;
    REQUIRE(client.open());
    client.acknowledging = false;
    open = true;
    const auto connection = bed.wait(accepted);
    REQUIRE(connection);
    if (ends_first) client.finish();
    Segment full = client.segment(kAck);
    full.window = 0;
    client.send(full);
    bed.run(10);
    const std::size_t before = heap_bytes();
    demi::test::Application& app = bed.app();
    const auto pushed = app.push(connection->value, app.from(std::string(40'000, 'p')), layout::kFlagFree);
    REQUIRE(bed.wait(pushed));
    bed.runtime().close(connection->value);
    bed.run(100);
    CHECK(bed.stat("closingSlowly") == 1);
    bed.run(LwipFarewells::kPatienceMs + 1000);
    CHECK(bed.stat("closingSlowly") == 0);
    CHECK(client.was_reset);
    CHECK(heap_bytes() < before + 16'384);  // not the 40,000
  }
}

TEST_CASE("data and an end in one, for which there is no memory, to a connection that has said its own end") {
  WireBed bed;
  demi::test::Application& app = bed.app();
  const auto accepted = bed.accept(bed.listener(4, 9));
  TcpPeer client(bed, peer(4, 5000, 1), 9);
  bed.on_frame = [&](const Bytes& frame) { client.take(frame); };
  REQUIRE(client.open());
  const auto connection = bed.wait(accepted);
  REQUIRE(connection);
  REQUIRE(bed.runtime().find(connection->value)->shutdown() == 0);
  REQUIRE(bed.until([&] { return client.ended; }));
  bed.run(10);
  // So few buffers are free that what comes is copied out of them, and there is no memory to copy to.
  for (const std::uint16_t port : {std::uint16_t{98}, std::uint16_t{99}}) {
    bed.socket(SocketKind::kDatagram, 4, port);
    for (std::uint32_t i = 0; i < WireBed::kBuffers && bed.buffers_free() > WireBed::kBuffers / 8; ++i) {
      bed.send(udp(peer(4, 9, 2), ours(4, port), "keeps a buffer"));
      bed.pump();
    }
  }
  REQUIRE(bed.buffers_free() < WireBed::kBuffers / 4);
  std::vector<demi::Sga> held;
  for (const std::uint32_t size : {65536u, 4096u, 256u}) {
    while (const demi::Sga sga = app.alloc({size})) held.push_back(sga);
  }
  for (int i = 0; i < 3; ++i) {
    client.send(client.segment(kAck | kPush | kFin, "the last"));
    bed.run(100);
  }
  bed.run(15'000);
  for (const demi::Sga sga : held) app.free(sga);
  bed.run(100);
  const auto popped = bed.wait(app.pop(connection->value));
  REQUIRE(popped);
  CHECK(popped->result == 8);
  CHECK(app.text(popped->value) == "the last");
  app.free(popped->value);
  const auto end = bed.wait(app.pop(connection->value));
  REQUIRE(end);
  CHECK(end->result == 0);
  bed.runtime().close(connection->value);
}

}  // namespace strangers_test
