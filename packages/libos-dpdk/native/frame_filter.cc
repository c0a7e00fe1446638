#include "frame_filter.hpp"

namespace demi::dpdk {

namespace {

constexpr std::uint32_t kIpv4Header = 20;  // RFC 791, without options
constexpr std::uint32_t kIpv6Header = 40;  // RFC 8200
constexpr std::uint32_t kFragmentHeader = 8;
constexpr std::uint8_t kTcp = 6;
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
  if (packet[6] == kFragment && payload >= kFragmentHeader) {
    const std::uint32_t offset = word16(packet + kIpv6Header + 2) & ~7u;
    if (offset + payload - kFragmentHeader > most_fragmented_) [[unlikely]] {
      ++fragments_refused_;
      return false;
    }
  }
  return packet[6] != kTcp || admits_tcp(packet + kIpv6Header, payload);
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
  sink("fragmentsRefused", static_cast<double>(fragments_refused_));
}

}  // namespace demi::dpdk
