// Frames of every kind the stack reads, changed at random, towards a listening socket, a datagram socket and established connections.
// Nothing may crash or be read past its end, memory stays bounded, what is sent is well-formed and ours, and service goes on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "seed.hpp"
#include "tcp_peer.hpp"

namespace frame_fuzz_test {

using namespace demi::dpdk::test;
using demi::test::Budget;
using demi::test::Random;

namespace {

constexpr std::uint16_t kService = 7;
constexpr std::size_t kMostHeap = 64u << 20;  // what the stack may keep for peers, all limits taken together

class Fuzzer {
 public:
  Fuzzer(WireBed& bed, std::uint64_t seed) : random_(seed), bed_(bed) {
    for (int family : {4, 6}) {
      for (unsigned n = 1; n <= 4; ++n) clients_.push_back(fresh(family, n));
    }
    bed.on_frame = [this](const Bytes& frame) { seen(frame); };
  }
  ~Fuzzer() { bed_.on_frame = nullptr; }
  Fuzzer(const Fuzzer&) = delete;
  Fuzzer& operator=(const Fuzzer&) = delete;

  void round() {
    auto& client = clients_[random_.below(static_cast<std::uint32_t>(clients_.size()))];
    if (!client.established || client.was_reset || client.ended) {
      client = fresh(client.self().ip.family, client.self().mac[5]);
      client.send(client.segment(kSyn));
      bed_.pump();
    }
    last_ = make(client);
    if (!random_.one_in(8)) change(last_);
    const int copies = random_.one_in(10) ? 3 : 1;
    for (int i = 0; i < copies; ++i) sent_ += bed_.send(last_, !may_be_stream_data(last_)) ? 1 : 0;
    if (random_.one_in(4)) bed_.pump();
    if (random_.one_in(16)) bed_.run(random_.below(20));
    if (random_.one_in(2000)) bed_.jump(random_.below(5000));
  }
  std::uint64_t sent() const { return sent_; }

 private:
  TcpPeer fresh(int family, unsigned n) {
    port_ = port_ >= 60000 ? 1024 : port_ + 1;
    return {bed_, peer(family, static_cast<std::uint16_t>(port_), n), kService, random_.bits()};
  }

  // What the engine sends is its own: from its address, with right lengths and checksums.
  void seen(const Bytes& frame) {
    for (auto& client : clients_) {
      if (client.take(frame)) break;
    }
    REQUIRE(frame.size() >= kEthernet);
    REQUIRE(frame.size() <= kEthernet + 1500);
    REQUIRE(std::equal(kOurMac.begin(), kOurMac.end(), frame.begin() + 6));
    if (type_of(frame) == kTypeArp) return;
    const auto packet = read_packet(frame);
    REQUIRE(packet);
    if (packet->from.family == 4 && packet->from.bytes != ours(4).ip.bytes) ++foreign_;
  }

  static bool may_be_stream_data(const Bytes& frame) {
    return frame.size() >= kEthernet + kIpv4Header + kTcpHeader && type_of(frame) != kTypeArp &&
           (type_of(frame) != kTypeIpv4 || frame[23] == kTcp);
  }

  Bytes noise(std::uint32_t most) {
    Bytes out(random_.below(most + 1));
    for (auto& b : out) b = static_cast<std::uint8_t>(random_.bits());
    return out;
  }
  Bytes with(std::initializer_list<std::uint8_t> head, std::uint32_t most) {
    Bytes out(head);
    const Bytes rest = noise(most);
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  }

  Bytes make(const TcpPeer& client) {
    const int family = client.self().ip.family;
    Host us = ours(family, kService);
    Host them = client.self();
    switch (random_.below(14)) {
      case 0:
        return arp(static_cast<std::uint16_t>(1 + random_.below(2)), peer(4, 0, random_.below(150)), ours(4));
      case 1: {  // ICMP or ICMPv6: any type there is, over something plausible
        static constexpr std::uint8_t kTypes4[] = {0, 3, 4, 5, 8, 11, 12, 13, 17};
        static constexpr std::uint8_t kTypes6[] = {1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143};
        const std::uint8_t type = family == 6 ? kTypes6[random_.below(15)] : kTypes4[random_.below(9)];
        Bytes body = with({type, static_cast<std::uint8_t>(random_.below(5)), 0, 0, 0, 0, 5, 0}, 64);
        if (random_.one_in(2)) {  // an error quotes what we sent
          const Bytes quoted = client.frame(client.segment(kAck, "quoted"));
          body.insert(body.end(), quoted.begin() + kEthernet, quoted.end());
        }
        Bytes frame = packet(them, us, family == 6 ? kIcmp6 : kIcmp, body);
        repair(frame, true);
        return frame;
      }
      case 2: {  // neighbour discovery with options
        Bytes body{static_cast<std::uint8_t>(133 + random_.below(5)), 0, 0, 0, 0x60, 0, 7, 8};
        const auto& about = random_.one_in(2) ? ours(6).ip : peer(6, 0, random_.below(8)).ip;
        body.insert(body.end(), about.bytes.begin(), about.bytes.end());
        for (std::uint32_t n = random_.below(4); n != 0; --n) {
          const auto units = static_cast<std::uint8_t>(random_.below(5));
          Bytes option(std::max<std::size_t>(2, units * 8u));
          for (auto& b : option) b = static_cast<std::uint8_t>(random_.bits());
          option[0] = static_cast<std::uint8_t>(1 + random_.below(6));
          option[1] = units;
          body.insert(body.end(), option.begin(), option.end());
        }
        Bytes frame = packet(peer(6, 0, 1), ours(6), kIcmp6, body);
        repair(frame, true);
        return frame;
      }
      case 3:
        return udp(them, us, text(noise(1400)));
      case 4: {  // part of a datagram
        const Bytes whole = udp_payload(them, us, noise(1000));
        const auto at = static_cast<std::uint16_t>(random_.below(200) * 8);
        const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 8 * 8));
        if (family == 6) return fragment6(them, us, kUdp, part, at, !random_.one_in(3), random_.below(20));
        return packet(them, us, kUdp, part, static_cast<std::uint16_t>(at / 8 | (random_.one_in(3) ? 0 : 0x2000)),
                      static_cast<std::uint16_t>(random_.below(20)));
      }
      case 5: {  // extension headers, or IPv4 options
        const Bytes inner = udp_payload(them, us, bytes("inner"));
        if (family == 6) {
          Bytes body = with({kUdp, 0}, 6);
          body.resize(8);
          body.insert(body.end(), inner.begin(), inner.end());
          static constexpr std::uint8_t kHeaders[] = {0, 43, 60, 50, 51, 59, 135};
          return packet(them, us, kHeaders[random_.below(7)], body);
        }
        Bytes frame = packet(them, us, kUdp, inner);
        const std::size_t options = 4 * (1 + random_.below(10));
        const Bytes filling = noise(40);
        frame.insert(frame.begin() + kEthernet + kIpv4Header, options, 0);
        std::copy_n(filling.begin(), std::min(options, filling.size()), frame.begin() + kEthernet + kIpv4Header);
        frame[14] = static_cast<std::uint8_t>(0x45 + options / 4);
        repair(frame, true);
        return frame;
      }
      case 6:
        return packet(them, us, random_.one_in(2) ? kIgmp : static_cast<std::uint8_t>(random_.bits()), noise(60));
      case 7: {  // a new connection, with options
        Segment syn = client.segment(kSyn);
        syn.from = static_cast<std::uint16_t>(random_.bits());
        syn.options = noise(40);
        if (random_.one_in(2)) syn.options = {2, 4, 0, static_cast<std::uint8_t>(random_.bits()), 1, 3, 3, 14};
        return client.frame(syn);
      }
      default: {  // an established connection
        static constexpr std::uint8_t kFlags[] = {
            kAck, kAck, kAck, kAck | kPush, kAck | kUrgent, kAck | kFin, kRst, kSyn, kSyn | kAck, 0, 0xff};
        const bool rude = random_.one_in(20);
        Segment segment = client.segment(rude ? kFlags[random_.below(11)] : kFlags[random_.below(5)], text(noise(300)));
        static constexpr std::uint32_t kSteps[] = {0, 0, 0, 1, 100, 1460, 40000, 65535, 70000, 0x80000000, 0xffffff00};
        segment.sequence += kSteps[random_.below(11)];
        if (random_.one_in(4)) segment.acknowledged += kSteps[random_.below(11)];
        if (random_.one_in(4)) segment.window = static_cast<std::uint16_t>(random_.below(3));
        if (random_.one_in(4)) segment.options = noise(40);
        segment.options.resize(std::min<std::size_t>(segment.options.size(), 40));
        return client.frame(segment);
      }
    }
  }

  void change(Bytes& frame) {
    static constexpr std::uint8_t kValues[] = {0, 1, 0x7f, 0x80, 0xff, 0x45, 0x4f, 0x60, 6, 17, 58, 44};
    for (std::uint32_t n = 1 + random_.below(3); n != 0 && !frame.empty(); --n) {
      // Mostly headers: data is not looked at.
      const auto span =
          static_cast<std::uint32_t>(random_.one_in(4) ? frame.size() : std::min<std::size_t>(frame.size(), 90));
      const std::uint32_t at = random_.one_in(12) ? random_.below(std::min(span, 14u)) : random_.below(span);
      switch (random_.below(6)) {
        case 0:
          frame[at] = static_cast<std::uint8_t>(frame[at] ^ 1u << random_.below(8));
          break;
        case 1:
          frame[at] = kValues[random_.below(12)];
          break;
        case 2:
          frame[at] = static_cast<std::uint8_t>(random_.bits());
          break;
        case 3:
          frame.resize(at);
          break;
        case 4: {
          const Bytes more = noise(100);
          frame.insert(frame.end(), more.begin(), more.end());
          break;
        }
        default:
          frame.erase(frame.begin() + at,
                      frame.begin() + std::min<std::ptrdiff_t>(at + 4, static_cast<std::ptrdiff_t>(frame.size())));
      }
    }
    // Unrepaired, most would be refused at the first checksum.
    if (!random_.one_in(4)) repair(frame, random_.one_in(2));
  }

  Random random_;
  WireBed& bed_;
  std::vector<TcpPeer> clients_;
  Bytes last_;
  unsigned port_ = 1024;
  std::uint64_t sent_ = 0;
  std::uint64_t foreign_ = 0;
};

}  // namespace

TEST_CASE("changed frames of every kind do no harm") {
  // Much of what it runs into is lwIP's, which we do not build: the same frames every time, so that a change is judged by what it changes.
  // Others by DEMI_SEED, and for longer by DEMI_FUZZ_SECONDS, where somebody looks for more.
  const std::uint64_t seed = demi::test::seed("frame fuzz", 20261123);
  Budget budget(1, 20'000);
  std::uint64_t frames = 0;
  {
    WireBed bed;
    EchoServer four(bed, 4, kService);
    EchoServer six(bed, 6, kService);
    REQUIRE(clean_echo(bed, 4, kService));
    REQUIRE(clean_echo(bed, 6, kService));
    const std::size_t heap = heap_bytes();
    {
      Fuzzer fuzzer(bed, seed);
      while (budget.left()) {
        fuzzer.round();
        if (budget.rounds() % 512 == 0) REQUIRE(heap_bytes() < heap + kMostHeap);
        if (budget.rounds() % 5000 != 4999) continue;
        bed.run(20);
        REQUIRE(clean_echo(bed, 4, kService));
        REQUIRE(clean_echo(bed, 6, kService));
      }
      frames = fuzzer.sent();
    }
    CHECK(clean_echo(bed, 4, kService));
    CHECK(clean_echo(bed, 6, kService));
    // What waits for the rest of a packet or for an acknowledgement gives up.
    bed.run(1);
    bed.jump(200'000);
    bed.run(2000);
    CHECK(bed.stat("framesDropped") == 0);
    CHECK(clean_echo(bed, 4, kService));
  }
  std::printf("frame fuzz: %llu frames in %llu rounds\n", static_cast<unsigned long long>(frames),
              static_cast<unsigned long long>(budget.rounds()));
  CHECK(frames > budget.rounds() / 2);
}

}  // namespace frame_fuzz_test
