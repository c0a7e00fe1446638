// The options as core hands them over, and the faults among them.
#include "config.hpp"

#include <doctest/doctest.h>
#include <rte_mbuf.h>

#include <string>
#include <vector>

#include "wire_bed.hpp"

namespace config_test {

using namespace demi::dpdk;
using test::WireBed;

namespace {

const demi::Config kGood{{"device", "net_ring_x"}, {"ipv4", "10.7.0.2/24"}};

int read(demi::Config changes, Options& out, std::string& message) {
  for (const auto& [key, value] : kGood) changes.emplace(key, value);
  demi::Failure failure;
  const bool read = read_options(changes, out, failure);
  message = failure.message;
  return read ? 0 : failure.error;
}

// The fate of frames 0 to n - 1: the order in which they come out.
std::vector<std::string> fates(const FaultOptions& options, std::uint64_t direction, int n) {
  const WireBed bed;
  rte_mempool* const pool = rte_mempool_lookup("demi_receive");
  Faults faults(options, direction);
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) {
    rte_mbuf* const frame = rte_pktmbuf_alloc(pool);
    REQUIRE(frame != nullptr);
    const std::string number = std::to_string(i);
    std::copy(number.begin(), number.end(), rte_pktmbuf_append(frame, static_cast<std::uint16_t>(number.size())));
    rte_mbuf* passed[Faults::kMost];
    const unsigned count = faults.pass(frame, pool, passed);
    REQUIRE(count <= Faults::kMost);
    for (unsigned p = 0; p < count; ++p) {
      out.emplace_back(rte_pktmbuf_mtod(passed[p], char*), passed[p]->data_len);
      rte_pktmbuf_free(passed[p]);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("good options are read") {
  Options o;
  std::string message;
  CHECK(read({}, o, message) == 0);
  CHECK(o.port.mtu == 1500);
  CHECK(o.receive_buffers == 8192);
  CHECK(o.stack.prefix4 == 24);
  CHECK(o.stack.ipv4.host() == "10.7.0.2");
  CHECK(o.eal.pci_device.empty());
  CHECK(!o.port.mac);

  CHECK(read({{"device", "0000:00:05.0"},
              {"mac", "02:00:00:00:00:fE"},
              {"gateway", "10.7.0.1"},
              {"ipv6", "fd07::2/64"},
              {"mtu", "9000"},
              {"mbufs", "1024"},
              {"arp", "10.7.0.1=02:00:00:00:00:09,10.7.0.3=02:00:00:00:00:0a"},
              {"hugepages", "required"},
              {"eal", "-d\nx.so"},
              {"capture", "a.pcap"},
              {"fault", "drop=0.01,duplicate=0.5,reorder=1,seed=7,lose-sent=8,lose-received=9"}},
             o, message) == 0);
  CHECK(o.eal.pci_device == "0000:00:05.0");
  CHECK(*o.port.mac == MacAddress{2, 0, 0, 0, 0, 0xfe});
  CHECK(o.stack.neighbours.size() == 2);
  CHECK(o.stack.neighbours[1].mac[5] == 10);
  CHECK(o.stack.prefix6 == 64);
  CHECK(o.eal.huge_pages == HugePages::kRequired);
  CHECK(o.eal.extra == std::vector<std::string>{"-d", "x.so"});
  CHECK(o.port.faults.drop == 0.01);
  CHECK(o.port.faults.seed == 7);
  CHECK(o.port.faults.lose_sent == 8);
  CHECK(o.port.faults.lose_received == 9);
}

TEST_CASE("a wrong option is named") {
  const std::pair<const char*, const char*> wrong[] = {{"device", ""},
                                                       {"mac", "02:00:00:00:00"},
                                                       {"mac", "02:00:00:00:00:0g"},
                                                       {"mac", "02-00-00-00-00-01"},
                                                       {"ipv4", ""},
                                                       {"ipv4", "10.7.0.2"},
                                                       {"ipv4", "10.7.0.2/33"},
                                                       {"ipv4", "10.7.0/24"},
                                                       {"ipv4", "fd07::2/64"},
                                                       {"ipv4", "10.7.0.2/24x"},
                                                       {"gateway", "fd07::1"},
                                                       {"gateway", "10.7.0.256"},
                                                       {"ipv6", "10.7.0.2/24"},
                                                       {"ipv6", "fd07::2/129"},
                                                       {"mtu", "1500 "},
                                                       {"mtu", "-1"},
                                                       {"mbufs", "4294968320"},
                                                       {"arp", "10.7.0.1"},
                                                       {"arp", "10.7.0.1=x"},
                                                       {"arp", "fd07::1=02:00:00:00:00:09"},
                                                       {"hugepages", "perhaps"},
                                                       {"fault", "drop"},
                                                       {"fault", "drop=1.5"},
                                                       {"fault", "drop=-1"},
                                                       {"fault", "lose=0.1"},
                                                       {"fault", "drop=0.1x"}};
  for (const auto& [key, value] : wrong) {
    CAPTURE(key);
    CAPTURE(value);
    Options o;
    std::string message;
    CHECK(read({{key, value}}, o, message) == -EINVAL);
    CHECK(message.starts_with(std::string(key) + " must be "));
    CHECK(message.ends_with("; got \"" + std::string(value) + "\""));
  }
}

TEST_CASE("faults: the same seed the same frames, another seed or direction others, in the shares asked for") {
  const FaultOptions options{.drop = 0.1, .duplicate = 0.2, .reorder = 0.1, .seed = 7};
  constexpr int kFrames = 4000;
  const auto first = fates(options, 0, kFrames);
  CHECK(first == fates(options, 0, kFrames));
  CHECK(first != fates(options, 1, kFrames));
  CHECK(first != fates({.drop = 0.1, .duplicate = 0.2, .reorder = 0.1, .seed = 8}, 0, kFrames));

  const auto dropped = fates({.drop = 0.25, .seed = 3}, 0, kFrames);
  CHECK(dropped.size() > kFrames * 0.70);
  CHECK(dropped.size() < kFrames * 0.80);
  const auto doubled = fates({.duplicate = 0.25, .seed = 3}, 0, kFrames);
  CHECK(doubled.size() > kFrames * 1.20);
  CHECK(doubled.size() < kFrames * 1.30);
  // Frames overtaken: only the one still held back at the end is lost.
  const auto reordered = fates({.reorder = 0.25, .seed = 3}, 0, kFrames);
  CHECK(reordered.size() >= kFrames - 1);
  int overtaken = 0;
  for (std::size_t i = 1; i < reordered.size(); ++i) overtaken += std::stoi(reordered[i]) < std::stoi(reordered[i - 1]);
  CHECK(overtaken > kFrames * 0.15);
  CHECK(overtaken < kFrames * 0.25);
}

}  // namespace config_test
