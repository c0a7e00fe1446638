#include "lwip_lookup.hpp"

#include <cstring>
#include <random>

#include "packet_headers.hpp"

namespace demi::dpdk {

namespace {

constexpr std::uint32_t kPorts = 4;

template <typename T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// No unicast IPv6 address begins so.
constexpr std::uint64_t kIpv4 = ~std::uint64_t{0};

LwipLookup::Key key_of(const tcp_pcb& pcb) {
  const std::uint32_t ports = static_cast<std::uint32_t>(htons(pcb.local_port)) << 16 | htons(pcb.remote_port);
  if (!IP_IS_V6_VAL(pcb.remote_ip)) return {kIpv4, ip_2_ip4(&pcb.remote_ip)->addr, ports};
  const u32_t* const address = ip_2_ip6(&pcb.remote_ip)->addr;
  return {load<std::uint64_t>(address), load<std::uint64_t>(address + 2), ports};
}

}  // namespace

std::size_t LwipLookup::Hash::operator()(const Key& key) const noexcept {
  // Multiplication spreads the few bits in which connections differ (Knuth, The Art of Computer Programming, section 6.4).
  std::uint64_t mixed = (key.low ^ key.high ^ seed) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 32) ^ key.ports) * 0x9e3779b97f4a7c15u;
  return mixed ^ (mixed >> 32);
}

LwipLookup::LwipLookup() : connections_(1024, Hash{std::uint64_t{std::random_device()()} << 16}) {}

std::optional<LwipLookup::Key> LwipLookup::add(tcp_pcb* pcb) {
  const Key key = key_of(*pcb);
  return connections_.try_emplace(key, pcb).second ? std::optional(key) : std::nullopt;
}

tcp_pcb* LwipLookup::find(const Frame& frame) const {
  const std::uint8_t* const packet = frame.data + Port::kEthernetHeader;
  const std::uint8_t* const end = frame.data + frame.length;
  if (end - packet < kIpv4Header + kPorts) return nullptr;
  const std::uint16_t type = load<std::uint16_t>(frame.data + 12);
  if (type == htons(0x0800)) [[likely]] {
    const std::uint32_t header = (packet[0] & 0xfu) * 4;
    const bool fragment = (packet[6] & 0x3f) != 0 || packet[7] != 0;
    if (packet[9] != kTcp || fragment || header < kIpv4Header || end - packet < header + kPorts) return nullptr;
    const auto found =
        connections_.find({kIpv4, load<std::uint32_t>(packet + 12), load<std::uint32_t>(packet + header)});
    if (found == connections_.end()) return nullptr;
    tcp_pcb* const pcb = found->second;
    return ip_2_ip4(&pcb->local_ip)->addr == load<std::uint32_t>(packet + 16) ? pcb : nullptr;
  }
  if (type != htons(0x86dd) || packet[6] != kTcp || end - packet < kIpv6Header + kPorts) return nullptr;
  const auto found = connections_.find(
      {load<std::uint64_t>(packet + 8), load<std::uint64_t>(packet + 16), load<std::uint32_t>(packet + kIpv6Header)});
  if (found == connections_.end()) return nullptr;
  tcp_pcb* const pcb = found->second;
  return std::memcmp(ip_2_ip6(&pcb->local_ip)->addr, packet + 24, 16) == 0 ? pcb : nullptr;
}

void OnlyConnection::merge() {
  // Out of the list it was hidden from the others of: if it is still lwIP's, it is in the new one.
  for (tcp_pcb** at = &first_; *at != nullptr; at = &(*at)->next) {
    if (*at == pcb_) {
      *at = next_;
      break;
    }
  }
  tcp_pcb** last = &tcp_active_pcbs;
  while (*last != nullptr) last = &(*last)->next;
  *last = first_;
}

}  // namespace demi::dpdk
