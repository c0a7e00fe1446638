// What is refused before the stack sees it, each with a counter: frames that lie about their length, fragments the stack could never put
// together, UDP-Lite, SYNs beyond what may be half open, packets that claim to come from us, and ICMPv6 that lwIP 2.1 believes though the
// standards say otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "demi/engine.hpp"
#include "port.hpp"

namespace demi::dpdk {

class FrameFilter {
 public:
  using Address6 = std::array<std::uint8_t, 16>;

  // `most_fragmented`: bytes of the largest packet that the stack reassembles. `most_half_open`: connections whose peer has only sent
  // a SYN; the rest is dropped, as the kernel does without cookies.
  FrameFilter(std::uint32_t most_fragmented, std::uint32_t most_half_open)
      : most_fragmented_(most_fragmented), most_half_open_(most_half_open), syn_allowance_(most_half_open) {}

  // The addresses this side has, in network byte order. `ipv4` 0: no IPv4 address.
  void set_own_addresses(std::uint32_t ipv4, std::vector<Address6> ipv6) {
    own4_ = ipv4;
    own6_ = std::move(ipv6);
  }
  bool admits(const Frame& frame);
  // From time to time: how many are half open now.
  void set_half_open(std::uint32_t count) { syn_allowance_ = count >= most_half_open_ ? 0 : most_half_open_ - count; }
  // Then it should be told more often.
  bool under_pressure() const { return syn_allowance_ < most_half_open_ / 2; }

  void stats(const StatSink& sink) const;

 private:
  bool admits_ipv4(const std::uint8_t* packet, std::uint32_t length);
  bool admits_ipv6(const std::uint8_t* packet, std::uint32_t length);
  bool admits_icmp6(const std::uint8_t* message, std::ptrdiff_t length, bool fragmented);
  bool is_own(const std::uint8_t* ipv6) const;
  bool refuse_protocol();
  bool refuse_spoofed();
  bool refuse_fragment();
  bool admits_tcp(const std::uint8_t* segment, std::uint32_t length);

  std::uint32_t most_fragmented_;
  std::uint32_t most_half_open_;
  std::uint32_t syn_allowance_;
  std::uint64_t syns_dropped_ = 0;
  std::uint64_t frames_truncated_ = 0;
  std::uint64_t fragments_refused_ = 0;
  std::uint64_t protocols_refused_ = 0;
  std::uint64_t spoofed_ = 0;
  std::uint32_t own4_ = 0;
  std::vector<Address6> own6_;
};

}  // namespace demi::dpdk
