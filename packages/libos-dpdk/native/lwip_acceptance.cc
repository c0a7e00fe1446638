#include "lwip_acceptance.hpp"

#include <algorithm>

#include "packet_headers.hpp"

namespace demi::dpdk {

namespace {

// RFC 9293, section 3.4: numbers wrap.
std::int32_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

bool acceptable(const Frame& frame, const tcp_pcb& pcb) {
  if (pcb.state < ESTABLISHED) return true;
  const std::uint8_t* const packet = frame.data + Port::kEthernetHeader;
  const bool six = IP_IS_V6_VAL(pcb.remote_ip);
  const std::uint32_t header = six ? kIpv6Header : (packet[0] & 0xfu) * 4;
  const std::uint32_t total = six ? kIpv6Header + word16(packet + 4) : word16(packet + 2);
  if (total < header + TCP_HLEN) return false;
  const std::uint8_t* const segment = packet + header;
  const std::uint32_t offset = (segment[12] >> 4) * 4u;
  if (offset < TCP_HLEN || header + offset > total) return false;
  const std::uint8_t flags = segment[13];
  if ((flags & (TCP_SYN | TCP_RST)) != 0) return true;
  if ((flags & TCP_ACK) == 0) return false;
  const std::uint32_t length = total - header - offset;
  const bool bare = length == 0 && (flags & TCP_FIN) == 0;

  const std::uint32_t acknowledged = word32(segment + 8);
  const auto window = std::max<std::uint32_t>(pcb.snd_wnd_max, 0xffff);
  if (distance(pcb.snd_nxt, acknowledged) > 0 || distance(pcb.lastack - window, acknowledged) < 0) return false;

  // Before the window lies what comes again; without data only a keep-alive, one before.
  const std::int32_t place = distance(pcb.rcv_nxt, word32(segment + 4));
  const std::int32_t least = bare ? -1 : -static_cast<std::int32_t>(TCP_WND_MAX(&pcb));
  const std::int32_t announced = distance(pcb.rcv_nxt, pcb.rcv_ann_right_edge);
  return place >= least && place <= std::max<std::int32_t>(announced, static_cast<std::int32_t>(pcb.rcv_wnd));
}

}  // namespace demi::dpdk
