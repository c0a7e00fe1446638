// Peers that mean harm, or are broken: floods, frames that are not what they say, bytes one at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "seed.hpp"
#include "tcp_peer.hpp"

namespace flood_test {

using namespace demi::dpdk::test;
using demi::Qd;
using demi::Qt;
using demi::SocketKind;
using demi::test::Random;
namespace layout = demi::layout;

namespace {

constexpr std::uint16_t kService = 7;

// A service, and the memory in use before the attack.
struct Served {
  WireBed bed;
  EchoServer four{bed, 4, kService};
  EchoServer six{bed, 6, kService};
  Served() {
    CHECK(clean_echo(bed, 4, kService));
    CHECK(clean_echo(bed, 6, kService));
    heap = heap_bytes();
  }
  void still_serves() {
    CHECK(clean_echo(bed, 4, kService));
    CHECK(clean_echo(bed, 6, kService));
  }
  std::size_t heap = 0;
};

}  // namespace

TEST_CASE("a SYN flood of 100,000 costs bounded memory, and who shakes hands is let in afterwards") {
  Served s;
  std::set<std::uint16_t> answered;
  s.bed.on_frame = [&](const Bytes& frame) {
    const auto p = read_packet(frame);
    if (const auto segment = p ? read_tcp(*p) : std::nullopt; segment && (segment->flags & kSyn) != 0)
      answered.insert(segment->to);
  };
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    Host from = peer(4, static_cast<std::uint16_t>(1024 + i % 60'000), i / 60'000);
    TcpPeer spoofed(s.bed, from, kService, i);
    s.bed.send(spoofed.frame(spoofed.segment(kSyn)));
    if (i % 64 == 0) s.bed.pump();
    if (i % 5000 == 0) {
      s.bed.run(1);
      most = std::max(most, heap_bytes());
    }
  }
  s.bed.pump();
  CHECK(s.bed.stat("synsDropped") > 90'000);
  CHECK(answered.size() > 100);
  CHECK(answered.size() < 8 * 1024);
  CHECK(most < s.heap + (8u << 20));
  s.bed.on_frame = nullptr;
  // Half-open connections give up; nobody has to be restarted.
  s.bed.run(30'000);
  s.still_serves();
}

TEST_CASE("60,000 bytes in segments of one, which nobody pops, leave receive buffers for others") {
  Served s;
  const Qd listener = s.bed.listener(4, 9);
  const Qt accepted = s.bed.accept(listener);
  TcpPeer client(s.bed, peer(4, 3000, 3), 9);
  s.bed.on_frame = [&](const Bytes& frame) { client.take(frame); };
  REQUIRE(client.open());
  const auto connection = s.bed.wait(accepted);
  REQUIRE(connection);
  const std::string data(60'000, 'b');
  CHECK(client.deliver(data, 1, 120'000));
  CHECK(s.bed.buffers_free() > WireBed::kBuffers / 2);
  s.bed.on_frame = nullptr;
  s.still_serves();
  std::size_t popped = 0;
  while (popped < data.size()) {
    const auto c = s.bed.wait(s.bed.app().pop(connection->value));
    REQUIRE(c);
    REQUIRE(c->result > 0);
    CHECK(s.bed.app().text(c->value) == data.substr(0, static_cast<std::size_t>(c->result)));
    popped += static_cast<std::size_t>(c->result);
    s.bed.app().free(c->value);
  }
  CHECK(popped == data.size());
}

TEST_CASE("segments out of order that never fit together do not take the receive buffers") {
  Served s;
  std::vector<TcpPeer> clients;
  for (unsigned n = 0; n < 32; ++n)
    clients.emplace_back(s.bed, peer(4, static_cast<std::uint16_t>(4000 + n), n), kService);
  s.bed.on_frame = [&](const Bytes& frame) {
    for (auto& client : clients) {
      if (client.take(frame)) return;
    }
  };
  for (auto& client : clients) REQUIRE(client.open());
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Segment hole = clients[i % clients.size()].segment(kAck, "gap");
    hole.sequence += 10 + i / 32 * 7 % 60'000;
    s.bed.send(clients[i % clients.size()].frame(hole));
    if (i % 32 == 0) s.bed.pump();
  }
  s.bed.pump();
  CHECK(s.bed.buffers_free() > 0);
  CHECK(heap_bytes() < s.heap + (48u << 20));
  s.bed.on_frame = nullptr;
  s.still_serves();
}

TEST_CASE("the receive pool can be popped empty, and the device goes on when buffers are freed") {
  Served s;
  const Qd datagrams = s.bed.socket(SocketKind::kDatagram, 4, 9);
  std::vector<demi::Sga> kept;
  for (int i = 0; i < 10'000; ++i) {
    const Qt pop = s.bed.app().pop(datagrams);
    if (!s.bed.send(udp(peer(4, 999, 2), ours(4, 9), "kept " + std::to_string(i)))) break;
    const auto c = s.bed.wait(pop, 20);
    if (!c) break;
    kept.push_back(c->value);
  }
  CHECK(kept.size() > WireBed::kBuffers / 2);
  CHECK(kept.size() < 10'000);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(s.bed.app().text(kept[i]) == "kept " + std::to_string(i));
  for (const demi::Sga sga : kept) s.bed.app().free(sga);
  s.bed.pump();
  CHECK(s.bed.buffers_free() == WireBed::kBuffers);
  s.still_serves();
}

TEST_CASE("fragments without the rest give their buffers back") {
  Served s;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const Bytes part(400, 'f');
    s.bed.send(packet(peer(4, 9, 1), ours(4), kUdp, part, 0x2000, static_cast<std::uint16_t>(i)), true);
    s.bed.send(fragment6(peer(6, 9, 1), ours(6), kUdp, part, 800, true, i), true);
    if (i % 32 == 0) s.bed.pump();
  }
  s.bed.pump();
  CHECK(s.bed.buffers_free() > WireBed::kBuffers / 2);
  s.still_serves();
  s.bed.run(70'000);
  CHECK(s.bed.buffers_free() == WireBed::kBuffers);
}

TEST_CASE("fragments of one datagram in any order become the datagram") {
  WireBed bed;
  for (const int family : {4, 6}) {
    const Qd datagrams = bed.socket(SocketKind::kDatagram, family, 9);
    std::string data(3000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7);
    const Host from = peer(family, 999, 2);
    const Bytes whole = udp_payload(from, ours(family, 9), bytes(data));
    for (const std::size_t at : {1600u, 0u, 800u, 2400u}) {
      const std::size_t end = std::min<std::size_t>(whole.size(), at + 800);
      const bool more = end != whole.size();
      const Bytes part(whole.begin() + static_cast<std::ptrdiff_t>(at),
                       whole.begin() + static_cast<std::ptrdiff_t>(end));
      bed.send(family == 6
                   ? fragment6(from, ours(6), kUdp, part, static_cast<std::uint16_t>(at), more, 5)
                   : packet(from, ours(4), kUdp, part, static_cast<std::uint16_t>(at / 8 | (more ? 0x2000 : 0)), 5));
    }
    const auto c = bed.wait(bed.app().pop(datagrams));
    REQUIRE(c);
    CHECK(c->result == 3000);
    CHECK(bed.app().text(c->value) == data);
    bed.app().free(c->value);
  }
}

TEST_CASE("frames cut anywhere, with wrong checksums or wrong lengths, are dropped") {
  Served s;
  const std::uint64_t before = s.bed.frames_seen;
  std::vector<Bytes> good;
  for (const int family : {4, 6}) {
    const Host from = peer(family, 999, 2);
    const TcpPeer client(s.bed, from, kService);
    good.push_back(udp(from, ours(family, kService), "data"));
    good.push_back(client.frame(client.segment(kSyn)));
    Bytes ping = packet(from, ours(family), family == 6 ? kIcmp6 : kIcmp,
                        {static_cast<std::uint8_t>(family == 6 ? 128 : 8), 0, 0, 0, 0, 1, 0, 1, 'p'});
    repair(ping, true);
    good.push_back(ping);
  }
  std::uint64_t answers = 0;
  s.bed.on_frame = [&](const Bytes& frame) {
    const auto p = read_packet(frame);
    answers += p && p->to.port != 0 ? 1 : 0;
  };
  for (const Bytes& frame : good) {
    for (std::size_t n = 0; n < frame.size(); ++n) {
      s.bed.send(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n)), true);
      Bytes wrong = frame;
      wrong[n] = static_cast<std::uint8_t>(wrong[n] ^ 0x55);
      if (n >= kEthernet + 6) s.bed.send(wrong, true);
      s.bed.pump();
    }
    for (std::uint32_t length = 0; length < 65536; length += 97) {
      Bytes wrong = frame;
      const std::size_t at = type_of(frame) == kTypeIpv4 ? 16 : 18;
      if (get16(wrong, at) == length) continue;
      put16(wrong, at, length);
      repair(wrong, false);
      s.bed.send(wrong, true);
      if (length % 16 == 0) s.bed.pump();
    }
  }
  s.bed.pump();
  CHECK(s.bed.frames_seen < before + 20'000);
  s.bed.on_frame = nullptr;
  CHECK(s.bed.buffers_free() == WireBed::kBuffers);
  s.still_serves();
}

TEST_CASE("an ARP storm costs nothing that stays, and does not stop service") {
  Served s;
  Random random(demi::test::seed("ARP storm"));
  for (int i = 0; i < 50'000; ++i) {
    Host from = peer(4, 0, random.below(156));
    for (auto& b : from.mac) b = static_cast<std::uint8_t>(random.bits() & 0xfe);
    Host to = ours(4);
    if (random.one_in(3)) to.ip.bytes[3] = static_cast<std::uint8_t>(random.bits());
    s.bed.send(arp(static_cast<std::uint16_t>(random.below(4)), from, to), true);
    if (i % 32 == 0) s.bed.pump();
  }
  s.bed.pump();
  CHECK(heap_bytes() < s.heap + (1u << 20));
  CHECK(s.bed.buffers_free() == WireBed::kBuffers);
  s.still_serves();
}

TEST_CASE("destroyed with everything pending, all buffers are back") {
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    WireBed bed;
    const Qd listener = bed.listener(4, kService);
    const Qt accepted = bed.accept(listener);
    bed.accept(listener);
    const Qd datagrams = bed.socket(SocketKind::kDatagram, 4, 9);
    bed.app().pop(bed.socket(SocketKind::kDatagram, 6, 9));
    bed.connect(bed.socket(SocketKind::kStream, 4), ip("10.7.0.50", 1));  // nobody answers
    bed.push_to(datagrams, "waits for ARP", ip("10.7.0.51", 1));
    TcpPeer client(bed, peer(4, 3000, 3), kService);
    bed.on_frame = [&](const Bytes& frame) { client.take(frame); };
    REQUIRE(client.open());
    const auto connection = bed.wait(accepted);
    REQUIRE(connection);
    client.acknowledging = false;
    for (int i = 0; i < 20; ++i)
      bed.app().push(connection->value, bed.app().from(std::string(4000, 'x')), layout::kFlagFree);
    bed.run(5);
    for (int i = 0; i < 20; ++i) {
      Segment hole = client.segment(kAck, "later");
      hole.sequence += 100u + 10u * static_cast<unsigned>(i);
      client.send(hole);
      bed.send(packet(peer(4, 9, 1), ours(4), kUdp, Bytes(400, 'f'), 0x2000, static_cast<std::uint16_t>(i)));
      bed.send(udp(peer(4, 999, 2), ours(4, 9), "not popped"));
    }
    client.send(client.segment(kAck, "not popped"));
    bed.pump();
    CHECK(bed.buffers_free() < WireBed::kBuffers);
    bed.on_frame = nullptr;
    bed.close();
    if (round == 1) before = heap_bytes();
  }
  CHECK(heap_bytes() <= before + 8192);
}

}  // namespace flood_test
