#include "frame_filter.hpp"

#include <cstddef>
#include <cstring>

#include "packet_headers.hpp"

namespace demi::dpdk {

namespace {

constexpr std::ptrdiff_t kFragmentHeader = 8;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kDestination = 60;
constexpr std::uint8_t kUdpLite = 136;
constexpr std::uint8_t kIcmp6 = 58;
// Types of ICMPv6: RFC 4443, RFC 4861.
constexpr std::uint8_t kPacketTooBig = 2;
constexpr std::uint8_t kEchoRequest = 128;
constexpr std::uint8_t kEchoReply = 129;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kRedirect = 137;
constexpr std::uint32_t kLeastMtu = 1280;  // RFC 8200, section 5
constexpr int kMostExtensions = 8;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;

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
  // RFC 1122, section 3.2.1.3: what comes from outside does not come from us. Answered, it would go round for ever.
  if (own4_ != 0 && std::memcmp(packet + 12, &own4_, sizeof own4_) == 0) [[unlikely]]
    return refuse_spoofed();
  const std::uint32_t header = (packet[0] & 0xfu) * 4;
  const std::uint32_t offset = (word16(packet + 6) & 0x1fff) * 8;
  if (offset + total - header > most_fragmented_ && (offset != 0 || (packet[6] & 0x20) != 0)) [[unlikely]]
    return refuse_fragment();
  if (packet[9] != kTcp) return true;
  // TCP chooses segments that fit and forbids routers to cut them; pieces are how a segment gets past whoever looks at its numbers (RFC 1858),
  // and so are headers before it.
  if (offset != 0 || (packet[6] & 0x20) != 0) [[unlikely]]
    return refuse_fragment();
  return header > total || admits_tcp(packet + header, total - header);
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
  bool fragmented = false;
  const bool extended = next == kHopByHop || next == kRouting || next == kDestination || next == kFragment;
  if (is_own(packet + 8)) [[unlikely]]
    return refuse_spoofed();
  for (int n = 0; next == kHopByHop || next == kRouting || next == kDestination || next == kFragment; ++n) {
    if (n == kMostExtensions || end - at < kFragmentHeader) [[unlikely]]
      return refuse_protocol();
    if (next == kFragment) {
      fragmented = true;
      const std::uint32_t offset = word16(at + 2) & ~7u;
      if (offset + static_cast<std::uint32_t>(end - at - kFragmentHeader) > most_fragmented_) [[unlikely]]
        return refuse_fragment();
      if (at[0] == kTcp) return refuse_fragment();
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
  if (next == kIcmp6) return admits_icmp6(at, end - at, fragmented);
  if (next != kTcp) return true;
  return extended ? refuse_protocol() : admits_tcp(at, static_cast<std::uint32_t>(end - at));
}

// A path narrower than any may be makes lwIP 2.1 cut packets into pieces of nothing, for ever. A redirect it takes from anybody, so that one
// frame of a neighbour's sends what is for a third elsewhere. An advertisement of an address we have, and not only of one we try, makes it
// give the address up: RFC 4862 (section 5.4.4) leaves to the host what to do, and this one keeps what it was given.
bool FrameFilter::admits_icmp6(const std::uint8_t* message, std::ptrdiff_t length, bool fragmented) {
  if (length < 8) return refuse_protocol();
  const std::uint8_t type = message[0];
  // RFC 6980: what configures us comes whole.
  if (fragmented && type != kEchoRequest && type != kEchoReply) return refuse_protocol();
  if (type == kRedirect) return refuse_spoofed();
  if (type == kPacketTooBig && word32(message + 4) < kLeastMtu) return refuse_spoofed();
  if (type == kNeighbourAdvertisement && length >= 24 && is_own(message + 8)) return refuse_spoofed();
  return true;
}

bool FrameFilter::refuse_fragment() {
  ++fragments_refused_;
  return false;
}

bool FrameFilter::is_own(const std::uint8_t* ipv6) const {
  for (const Address6& own : own6_) {
    if (std::memcmp(own.data(), ipv6, own.size()) == 0) return true;
  }
  return false;
}

bool FrameFilter::refuse_spoofed() {
  ++spoofed_;
  return false;
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
  sink("packetsSpoofed", static_cast<double>(spoofed_));
  sink("fragmentsRefused", static_cast<double>(fragments_refused_));
}

}  // namespace demi::dpdk
