// Whom packets go to, as seen on the wire.
#include <doctest/doctest.h>

#include "neighbours.hpp"
#include "tcp_peer.hpp"

namespace neighbours_test {

using namespace demi::dpdk::test;
using demi::Qd;
using demi::SocketKind;
using demi::dpdk::Neighbours;

namespace {

Bytes as_bytes(const Mac& mac) { return {mac.begin(), mac.end()}; }

// What the engine has sent, sorted.
struct Seen {
  explicit Seen(WireBed& bed) {
    bed.on_frame = [this](const Bytes& frame) {
      if (type_of(frame) == kTypeArp && get16(frame, 20) == 1) ++requests;
      const auto p = read_packet(frame);
      if (!p || p->protocol != kUdp) return;
      ++datagrams;
      to.assign(frame.begin(), frame.begin() + 6);
    };
  }
  unsigned requests = 0;
  unsigned datagrams = 0;
  Bytes to;
};

}  // namespace

TEST_CASE("an ARP request goes out, and what waited leaves when the answer comes") {
  WireBed bed;
  bed.answers = false;
  Seen seen(bed);
  const Qd qd = bed.socket(SocketKind::kDatagram, 4, 9);
  for (int i = 0; i < 100; ++i) bed.push_to(qd, "datagram", peer(4, 5, 3).ip);
  bed.run(20);
  CHECK(seen.requests == 1);
  CHECK(seen.datagrams == 0);
  bed.run(Neighbours::kAskAgainMs * 3);
  CHECK(seen.requests >= 3);
  bed.send(arp(2, peer(4, 0, 3), ours(4)));
  bed.run(20);
  CHECK(seen.datagrams == 100);
  CHECK(seen.to == as_bytes(peer(4, 0, 3).mac));
}

TEST_CASE("a static entry needs no ARP") {
  WireBed bed(demi::Config{{"arp", "10.7.0.77=02:00:00:00:00:77"}});
  bed.answers = false;
  Seen seen(bed);
  const Qd qd = bed.socket(SocketKind::kDatagram, 4, 9);
  bed.push_to(qd, "datagram", ip("10.7.0.77", 5));
  bed.run(5);
  CHECK(seen.requests == 0);
  CHECK(seen.datagrams == 1);
  CHECK(seen.to == Bytes{2, 0, 0, 0, 0, 0x77});
}

TEST_CASE("beyond the network, packets go to the gateway") {
  WireBed bed;
  Seen seen(bed);
  const Qd qd = bed.socket(SocketKind::kDatagram, 4, 9);
  bed.push_to(qd, "datagram", ip("192.0.2.1", 5));
  bed.run(50);
  CHECK(seen.datagrams == 1);
  CHECK(seen.to == as_bytes(peer(4).mac));
}

TEST_CASE("packets to nobody are given up, and so many wait at most") {
  WireBed bed;
  bed.answers = false;
  Seen seen(bed);
  const Qd qd = bed.socket(SocketKind::kDatagram, 4, 9);
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < 3 * Neighbours::kMostWaiting; ++i) {
    // To other addresses than the first: nobody is there either.
    bed.push_to(qd, "datagram", ip(i % 2 == 0 ? "10.7.0.50" : "10.7.0.51", 5));
    if (i % 512 == 0) bed.run(1);
  }
  bed.run(10);
  CHECK(heap_bytes() < before + (8u << 20));
  bed.run(2 * Neighbours::kPatienceMs);
  CHECK(seen.datagrams == 0);
  const unsigned asked = seen.requests;
  CHECK(asked >= 10);
  bed.answers = true;
  bed.push_to(qd, "datagram", peer(4, 5, 3).ip);
  bed.run(200);
  CHECK(seen.datagrams >= 1);
}

TEST_CASE("packets for somebody else are not forwarded") {
  WireBed bed;
  Seen seen(bed);
  Host somebody{kOurMac, ip("10.7.0.105", 5)};
  bed.send(udp(peer(4, 9, 1), somebody, "not ours"));
  somebody.ip = ip("192.0.2.1", 5);
  bed.send(udp(peer(4, 9, 1), somebody, "not ours"));
  somebody.ip = ip("fd07::105", 5);
  bed.send(udp(peer(6, 9, 1), somebody, "not ours"));
  bed.run(300);
  CHECK(seen.datagrams == 0);
}

}  // namespace neighbours_test
