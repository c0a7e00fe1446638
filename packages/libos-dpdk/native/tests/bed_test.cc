// The bed itself, and what a good peer sees of the engine over it.
#include <doctest/doctest.h>

#include "tcp_peer.hpp"

namespace bed_test {

using namespace demi::dpdk::test;

TEST_CASE("a peer's bytes and datagrams are echoed, by IPv4 and IPv6, and nothing is left behind") {
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    {
      WireBed bed;
      EchoServer four(bed, 4, 7);
      EchoServer six(bed, 6, 7);
      for (int i = 0; i < 5; ++i) {
        CHECK(clean_echo(bed, 4, 7));
        CHECK(clean_echo(bed, 6, 7));
      }
      CHECK(bed.stat("receiveErrors") == 0);
    }
    // The first libOS of a process leaves what lwIP and DPDK keep for the next.
    if (round == 1) before = heap_bytes();
  }
  CHECK(heap_bytes() <= before + 4096);
}

}  // namespace bed_test
