#include "frame_filter.hpp"

#include <cstddef>

#include "packet_headers.hpp"

namespace demi::dpdk {

namespace {

constexpr std::ptrdiff_t kFragmentHeader = 8;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kDestination = 60;
constexpr std::uint8_t kUdpLite = 136;
constexpr int kMostExtensions = 8;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;

std::uint32_t word16(const std::uint8_t* at) { return static_cast<std::uint32_t>(at[0]) << 8 | at[1]; }

}  // namespace

bool FrameFilter::admits(const Frame& frame) {
  if (frame.length < Port::kEthernetHeader) return false;
  const std::uint8_t* const packet = frame.data + Port::kEthernetHeader;
  const std::uint32_t length = frame.length - Port::kEthernetHeader;
  switch (word16(frame.data + 12)) {
    case 0x0800:
      return length < kIpv4Header || admits_ipv4(packet, length);
    case 0x86dd:
      return length < kIpv6Header || admits_ipv6(packet, length);
    default:
      return true;
  }
}

bool FrameFilter::admits_ipv4(const std::uint8_t* packet, std::uint32_t length) {
  const std::uint32_t total = word16(packet + 2);
  if (total > length) [[unlikely]] {
    ++frames_truncated_;
    return false;
  }
  if (packet[9] == kUdpLite) [[unlikely]]
    return refuse_protocol();
  const std::uint32_t header = (packet[0] & 0xfu) * 4;
  const std::uint32_t offset = (word16(packet + 6) & 0x1fff) * 8;
  if (offset + total - header > most_fragmented_ && (offset != 0 || (packet[6] & 0x20) != 0)) [[unlikely]] {
    ++fragments_refused_;
    return false;
  }
  return packet[9] != kTcp || offset != 0 || header > total || admits_tcp(packet + header, total - header);
}

bool FrameFilter::admits_ipv6(const std::uint8_t* packet, std::uint32_t length) {
  const std::uint32_t payload = word16(packet + 4);
  if (payload > length - kIpv6Header) [[unlikely]] {
    ++frames_truncated_;
    return false;
  }
  const std::uint8_t* const end = packet + kIpv6Header + payload;
  const std::uint8_t* at = packet + kIpv6Header;
  std::uint8_t next = packet[6];
  for (int n = 0; next == kHopByHop || next == kRouting || next == kDestination || next == kFragment; ++n) {
    if (n == kMostExtensions || end - at < kFragmentHeader) [[unlikely]]
      return refuse_protocol();
    if (next == kFragment) {
      const std::uint32_t offset = word16(at + 2) & ~7u;
      if (offset + static_cast<std::uint32_t>(end - at - kFragmentHeader) > most_fragmented_) [[unlikely]] {
        ++fragments_refused_;
        return false;
      }
      if (offset != 0) return at[0] != kUdpLite || refuse_protocol();
    }
    const std::ptrdiff_t length_of = next == kFragment ? kFragmentHeader : (at[1] + 1) * 8;
    if (length_of > end - at) [[unlikely]]
      return refuse_protocol();
    next = at[0];
    at += length_of;
  }
  if (next == kUdpLite) [[unlikely]]
    return refuse_protocol();
  return next != kTcp || admits_tcp(at, static_cast<std::uint32_t>(end - at));
}

// lwIP believes the coverage field of UDP-Lite (RFC 3828) even where the packet is shorter, and its assertion ends the process. There are
// no such sockets here.
bool FrameFilter::refuse_protocol() {
  ++protocols_refused_;
  return false;
}

// A SYN costs a connection before its sender has shown that it exists.
bool FrameFilter::admits_tcp(const std::uint8_t* segment, std::uint32_t length) {
  if (length < 14 || (segment[13] & (kSyn | kAck)) != kSyn) [[likely]]
    return true;
  if (syn_allowance_ == 0) {
    ++syns_dropped_;
    return false;
  }
  --syn_allowance_;
  return true;
}

void FrameFilter::stats(const StatSink& sink) const {
  sink("synsDropped", static_cast<double>(syns_dropped_));
  sink("framesTruncated", static_cast<double>(frames_truncated_));
  sink("protocolsRefused", static_cast<double>(protocols_refused_));
  sink("fragmentsRefused", static_cast<double>(fragments_refused_));
}

}  // namespace demi::dpdk
