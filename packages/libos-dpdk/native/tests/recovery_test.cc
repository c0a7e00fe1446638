// Segments that get lost on the wire, chosen by the test: what is sent again, when, and how it is counted.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>

#include "tcp_peer.hpp"

namespace recovery_test {

using namespace demi::dpdk::test;
using demi::Qd;
using demi::SocketKind;
namespace layout = demi::layout;

namespace {

constexpr std::uint16_t kService = 9;
constexpr std::uint32_t kSegment = 1460;

std::string pattern(std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

// A connection of the engine's to a peer that keeps what comes out of order, and acknowledges each segment.
struct Wire {
  WireBed bed;
  TcpPeer client;
  Qd qd = 0;
  std::uint32_t first = 0;                      // sequence number of the engine's first byte
  std::map<std::uint32_t, int> seen;            // how often each offset began a segment
  std::map<std::uint32_t, std::size_t> length;  // of the last that began there
  std::function<bool(std::uint32_t offset, int times)> lost = [](std::uint32_t, int) { return false; };
  bool answering = true;

  explicit Wire(const demi::Config& config = {}, int family = 4)
      : bed(config), client(bed, peer(family, 5000, 1), kService) {
    const auto accepted = bed.accept(bed.listener(family, kService));
    bed.on_frame = [this](const Bytes& frame) { arrived(frame); };
    REQUIRE(client.open());
    const auto connection = bed.wait(accepted);
    REQUIRE(connection);
    qd = connection->value;
    first = client.expected;
  }

  void arrived(const Bytes& frame) {
    const auto packet = read_packet(frame);
    const auto segment = packet ? read_tcp(*packet) : std::nullopt;
    if (!segment || segment->to != client.self().ip.port) return;
    if (segment->data.empty()) {
      client.take(frame);
      return;
    }
    const std::uint32_t offset = segment->sequence - first;
    length[offset] = segment->data.size();
    if (lost(offset, ++seen[offset])) return;
    if (static_cast<std::int32_t>(segment->sequence - client.expected) >= 0)
      kept_[segment->sequence] = text(segment->data);
    for (auto it = kept_.find(client.expected); it != kept_.end(); it = kept_.find(client.expected)) {
      client.received += it->second;
      client.expected += static_cast<std::uint32_t>(it->second.size());
      kept_.erase(it);
    }
    if (answering) client.send(client.segment(kAck));
  }

  void push(const std::string& data) { bed.app().push(qd, bed.app().from(data), layout::kFlagFree); }
  // Acknowledges once more what was, with a window.
  void acknowledge(std::uint16_t window) {
    Segment again = client.segment(kAck);
    again.window = window;
    client.send(again);
    bed.pump();
  }
  // A smaller window counts only behind something new: a byte.
  void shrink(std::uint16_t window) {
    client.send(client.segment(kAck | kPush, "b"));
    ++client.next;
    acknowledge(window);
  }
  std::size_t sent_again() { return static_cast<std::size_t>(bed.stat("retransmissions")); }
  // Larger windows of congestion, and round trips to know.
  void warm_up() {
    for (int i = 0; i < 3; ++i) {
      push(pattern(60'000));
      bed.run(20);
    }
    REQUIRE(client.received.size() == 180'000);
    REQUIRE(sent_again() == 0);
    client.received.clear();
    first = client.expected;
    seen.clear();
  }

 private:
  std::map<std::uint32_t, std::string> kept_;
};

}  // namespace

TEST_CASE("a lost frame is sent again once, counted once, and soon") {
  Wire wire;
  wire.lost = [](std::uint32_t, int times) { return times == 1; };
  wire.push("the first");
  wire.bed.run(45);
  CHECK(wire.sent_again() == 0);
  CHECK(wire.bed.until([&] { return wire.client.received == "the first"; }, 20));
  CHECK(wire.sent_again() == 1);
  CHECK(wire.bed.stat("lossProbes") == 1);
  wire.bed.run(500);
  CHECK(wire.sent_again() == 1);

  wire.lost = [](std::uint32_t, int) { return false; };
  for (int i = 0; i < 5; ++i) {
    wire.push("known");
    wire.bed.run(10);
  }
  wire.client.received.clear();
  // The round trip is known now.
  wire.lost = [](std::uint32_t, int times) { return times == 1; };
  wire.push("the second");
  CHECK(wire.bed.until([&] { return wire.client.received == "the second"; }, 20));
  CHECK(wire.sent_again() == 2);
}

TEST_CASE("what is lost again and again arrives, and a peer that is gone is not flooded") {
  Wire wire;
  wire.lost = [](std::uint32_t, int times) { return times <= 5; };
  wire.push("at last");
  CHECK(wire.bed.until([&] { return wire.client.received == "at last"; }, 10'000));
  CHECK(wire.sent_again() == 5);
  wire.lost = [](std::uint32_t, int) { return true; };
  wire.push("nobody");
  wire.bed.run(20'000);
  CHECK(wire.sent_again() < 5 + 20);
}

TEST_CASE("the fault of every so-manieth segment with data, sent and received") {
  for (const int family : {4, 6}) {
    Wire wire({{"fault", "lose-sent=3,lose-received=2"}}, family);
    for (const char* text : {"one ", "two ", "three ", "four "}) {
      wire.push(text);
      wire.bed.run(100);
    }
    CHECK(wire.client.received == "one two three four ");
    CHECK(wire.sent_again() == 1);
    // The peer's second segment, and what it sends again, is its second and fourth.
    const auto pop = [&] {
      const auto c = wire.bed.wait(wire.bed.app().pop(wire.qd), 50);
      if (!c) return std::string("nothing");
      const std::string text = wire.bed.app().text(c->value);
      wire.bed.app().free(c->value);
      return text;
    };
    CHECK(wire.client.deliver("one", 1460, 50));
    CHECK(pop() == "one");
    CHECK_FALSE(wire.client.deliver("two", 1460, 50));
    wire.client.next -= 3;
    CHECK(wire.client.deliver("two", 1460, 50));
    CHECK(pop() == "two");
  }
}

TEST_CASE("several losses in one window cost no time") {
  Wire wire;
  wire.warm_up();
  const std::uint32_t start = WireBed::now();
  wire.lost = [](std::uint32_t offset, int times) {
    return times == 1 && (offset == 2 * kSegment || offset == 3 * kSegment || offset == 9 * kSegment);
  };
  const std::string data = pattern(60'000);
  wire.push(data);
  wire.bed.pump();
  CHECK(wire.client.received == data);
  CHECK(WireBed::now() == start);
  CHECK(wire.sent_again() == 3);
  CHECK(wire.bed.stat("lossProbes") == 0);
}

TEST_CASE("the last segment of a transfer lost, and a segment lost twice, cost a probe") {
  for (const bool last : {true, false}) {
    Wire wire;
    wire.warm_up();
    wire.lost = [last](std::uint32_t offset, int times) {
      return last ? times == 1 && offset == 41 * kSegment : times <= 2 && offset == 5 * kSegment;
    };
    const std::string data = pattern(60'000);
    wire.push(data);
    CHECK(wire.bed.until([&] { return wire.client.received.size() == data.size(); }, 30));
    CHECK(wire.client.received == data);
    CHECK(wire.sent_again() == (last ? 1 : 2));
    CHECK(wire.bed.stat("lossProbes") == 1);
  }
}

TEST_CASE("duplicate acknowledgements count across a new window, new windows alone do not") {
  Wire wire;
  wire.warm_up();
  wire.shrink(30'000);
  wire.answering = false;
  wire.lost = [](std::uint32_t offset, int) { return offset == 0; };
  wire.push(pattern(10 * kSegment));
  wire.bed.pump();
  for (const std::uint16_t window : {31'000, 32'000, 33'000, 34'000, 35'000}) wire.acknowledge(window);
  CHECK(wire.sent_again() == 0);
  wire.acknowledge(35'000);
  wire.acknowledge(35'000);
  CHECK(wire.sent_again() == 0);
  wire.acknowledge(36'000);
  CHECK(wire.sent_again() == 0);
  wire.acknowledge(36'000);
  CHECK(wire.sent_again() == 1);
  CHECK(wire.seen[0] == 2);
}

TEST_CASE("nothing is sent beyond the window that an earlier segment of the peer's has not renewed") {
  Wire wire;
  wire.shrink(4000);
  wire.answering = false;
  wire.push(pattern(20'000));
  wire.bed.pump();
  REQUIRE(wire.seen.size() == 2);
  // The peer's second segment comes first, with an open window of 4000; the first one acknowledges some of it.
  Segment second = wire.client.segment(kAck, "second");
  second.sequence += 5;
  second.window = 4000;
  second.acknowledged = wire.first;
  wire.client.send(second);
  wire.bed.pump();
  Segment earlier = wire.client.segment(kAck, "first");
  earlier.window = 4000 - kSegment;
  earlier.acknowledged = wire.first + kSegment;
  wire.client.send(earlier);
  wire.bed.run(1);
  for (const auto& [offset, bytes] : wire.length) CHECK(offset + bytes <= 4000);
}

TEST_CASE("a window that becomes smaller than the segment to be sent again stops nothing for good") {
  Wire wire;
  wire.warm_up();
  wire.answering = false;
  wire.lost = [](std::uint32_t, int) { return true; };
  const std::string data = pattern(3 * kSegment);
  wire.push(data);
  wire.bed.pump();
  wire.shrink(1000);
  for (int i = 0; i < 6; ++i) wire.acknowledge(1000);
  wire.bed.run(20);
  CHECK(wire.client.received.empty());
  wire.lost = [](std::uint32_t, int) { return false; };
  CHECK(wire.bed.until([&] { return wire.client.received.size() == 1000; }, 5000));
  wire.answering = true;
  wire.acknowledge(65'535);
  CHECK(wire.bed.until([&] { return wire.client.received.size() == data.size(); }, 5000));
  CHECK(wire.client.received == data);
}

}  // namespace recovery_test
