// Segments find their connections, whatever order they come in and whichever connections come and go between them.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "lwip_lookup.hpp"
#include "seed.hpp"
#include "tcp_peer.hpp"

namespace lookup_test {

using namespace demi;              // NOLINT(google-build-using-namespace)
using namespace demi::dpdk;        // NOLINT(google-build-using-namespace)
using namespace demi::dpdk::test;  // NOLINT(google-build-using-namespace)

namespace {

std::size_t lwip_connections() {
  std::size_t count = 0;
  for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) ++count;
  return count;
}

}  // namespace

TEST_CASE("many peers of both families take turns, close, reset and come anew, and every byte goes to its own") {
  demi::test::Random random(demi::test::seed("lookup"));
  WireBed bed;
  EchoServer four(bed, 4, 7);
  EchoServer six(bed, 6, 7);
  std::vector<std::unique_ptr<TcpPeer>> peers(24);
  std::vector<std::string> sent(peers.size());
  bed.on_frame = [&](const Bytes& frame) {
    for (auto& peer : peers) {
      if (peer && peer->take(frame)) return;
    }
  };
  std::uint16_t port = 20000;
  for (int step = 0; step < 2000; ++step) {
    const std::size_t n = random.below(static_cast<std::uint32_t>(peers.size()));
    auto& peer = peers[n];
    if (!peer) {
      const int family = random.one_in(2) ? 4 : 6;
      peer = std::make_unique<TcpPeer>(bed, dpdk::test::peer(family, port++, static_cast<unsigned>(n % 3)), 7);
      REQUIRE(peer->open());
      sent[n].clear();
    } else if (random.one_in(16)) {
      REQUIRE(bed.until([&] { return peer->received == sent[n]; }));
      random.one_in(2) ? peer->reset() : peer->finish();
      bed.run(2);
      peer.reset();
    } else {
      const std::string data(1 + random.below(64), static_cast<char>('a' + n));
      REQUIRE(peer->deliver(data));
      sent[n] += data;
      REQUIRE(bed.until([&] { return peer->received == sent[n]; }));
    }
  }
  std::size_t open = 0;
  for (const auto& peer : peers) open += peer != nullptr;
  CHECK(lwip_connections() >= open);
  for (auto& peer : peers) {
    if (peer) peer->reset();
  }
  CHECK(bed.until([&] { return four.connections() + six.connections() == 0; }));
}

TEST_CASE("lwIP's list is whole again, whatever happened while it was short") {
  // Not lwIP's own connections: only the list is looked at.
  std::vector<tcp_pcb> pcbs(5);
  tcp_pcb* const saved = tcp_active_pcbs;
  const auto list = [&](std::initializer_list<std::size_t> order) {
    tcp_pcb** last = &tcp_active_pcbs;
    for (const std::size_t n : order) {
      *last = &pcbs[n];
      last = &pcbs[n].next;
    }
    *last = nullptr;
  };
  const auto order = [&] {
    std::string out;
    for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
      out += static_cast<char>('0' + (pcb - pcbs.data()));
    }
    return out;
  };
  for (const std::size_t of : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    const std::string others = of == 0 ? "12" : of == 1 ? "02" : "01";
    const auto name = static_cast<char>('0' + of);
    CAPTURE(of);
    {
      list({0, 1, 2});
      const OnlyConnection only(&pcbs[of]);
      CHECK(order() == std::string(1, name));
    }
    CHECK(order() == "012");
    {  // it went
      list({0, 1, 2});
      const OnlyConnection only(&pcbs[of]);
      list({});
    }
    CHECK(order() == others);
    {  // another came
      list({0, 1, 2});
      const OnlyConnection only(&pcbs[of]);
      list({3, of});
    }
    CHECK(order() == "3" + std::string(1, name) + others);
    {  // it went, and two came
      list({0, 1, 2});
      const OnlyConnection only(&pcbs[of]);
      list({4, 3});
    }
    CHECK(order() == "43" + others);
  }
  tcp_active_pcbs = saved;
}

}  // namespace lookup_test
