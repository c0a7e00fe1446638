#include "neighbours.hpp"

extern "C" {
#include <lwip/icmp6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/nd6.h>
}

#include <span>

namespace demi::dpdk {

Neighbours::Neighbours(netif& interface, const std::vector<StackOptions::Neighbour>& fixed) : netif_(interface) {
  for (const auto& neighbour : fixed) {
    Fixed entry{};
    entry.ip = *ip_2_ip4(&static_cast<const ip_addr_t&>(to_lwip(neighbour.ip)));
    std::memcpy(entry.mac.addr, neighbour.mac.data(), sizeof entry.mac.addr);
    fixed_.push_back(entry);
  }
}

Neighbours::~Neighbours() {
  for (const Waiting& waiting : waiting_) pbuf_free(waiting.packet);
}

// False when the address of the next hop is not known yet.
bool Neighbours::send_now(pbuf* packet, const ip4_addr_t& to, const ip4_addr_t& hop, err_t& result) {
  for (const Fixed& entry : fixed_) {
    if (!ip4_addr_cmp(&entry.ip, &hop)) continue;
    result = ethernet_output(&netif_, packet, reinterpret_cast<eth_addr*>(netif_.hwaddr), &entry.mac, ETHTYPE_IP);
    return true;
  }
  eth_addr* mac;
  const ip4_addr_t* ip;
  if (etharp_find_addr(&netif_, &hop, &mac, &ip) < 0) return false;
  Used& one = used(hop);
  one.become(hop);
  one.lately = true;
  result = etharp_output(&netif_, packet, &to);
  return true;
}

bool Neighbours::next_hop(const ip4_addr_t& to, ip4_addr_t& hop) const {
  hop = to;
  if (ip4_addr_netcmp(&to, netif_ip4_addr(&netif_), netif_ip4_netmask(&netif_)) || ip4_addr_islinklocal(&to))
    return true;
  hop = *netif_ip4_gw(&netif_);
  return !ip4_addr_isany_val(hop);
}

bool Neighbours::reaches(const ip_addr_t& to) const {
  if (IP_IS_V4_VAL(to)) {
    const ip4_addr_t& address = *ip_2_ip4(&to);
    ip4_addr_t hop;
    return ip4_addr_isloopback(&address) || next_hop(address, hop);
  }
  const ip6_addr_t& address = *ip_2_ip6(&to);
  if (ip6_addr_islinklocal(&address) || ip6_addr_isloopback(&address)) return true;
  for (const auto& [own, state] : ipv6_addresses(netif_)) {
    if (ip6_addr_isvalid(state) && ip6_addr_netcmp_zoneless(&address, &own)) return true;
  }
  for (const nd6_prefix_list_entry& entry : std::span(prefix_list, LWIP_ND6_NUM_PREFIXES)) {
    if (entry.netif == &netif_ && ip6_addr_netcmp_zoneless(&address, &entry.prefix)) return true;
  }
  for (const nd6_router_list_entry& entry : std::span(default_router_list, LWIP_ND6_NUM_ROUTERS)) {
    if (entry.neighbor_entry != nullptr) return true;
  }
  return false;
}

bool Neighbours::is_fixed(const ip4_addr_t& hop) const {
  for (const Fixed& entry : fixed_) {
    if (ip4_addr_cmp(&entry.ip, &hop)) return true;
  }
  return false;
}

void Neighbours::doubt(const ip_addr_t& to) {
  const std::uint32_t now = sys_now();
  if (IP_IS_V4_VAL(to)) {
    ip4_addr_t hop;
    if (!next_hop(*ip_2_ip4(&to), hop) || is_fixed(hop)) return;
    Used& one = used(hop);
    one.become(hop);
    if (now - one.doubted < kDoubtMs) return;
    one.asked = one.doubted = now;
    ask(hop);
    return;
  }
  const ip6_addr_t* hop = ip_2_ip6(&to);
  for (const nd6_destination_cache_entry& entry : std::span(destination_cache, LWIP_ND6_NUM_DESTINATIONS)) {
    if (ip6_addr_cmp_zoneless(&entry.destination_addr, ip_2_ip6(&to))) hop = &entry.next_hop_addr;
  }
  for (std::size_t i = 0; i < asked6_.size(); ++i) {
    const nd6_neighbor_cache_entry& entry = neighbor_cache[i];
    if (entry.netif != &netif_ || !ip6_addr_cmp_zoneless(&entry.next_hop_address, hop)) continue;
    if (entry.state == ND6_NO_ENTRY || entry.state == ND6_INCOMPLETE || now - asked6_[i] < kDoubtMs) continue;
    asked6_[i] = now;
    if (may_ask()) solicit(entry.next_hop_address);
  }
}

// RFC 4861, section 4.3, to everybody: lwIP would ask only the link address it knows, for seconds, and TCP's timers are faster than its
// clock of neighbours. An answer to such a request overrides what is known, and meanwhile that is still used.
void Neighbours::solicit(const ip6_addr_t& target) {
  constexpr std::uint16_t kOption = 8;  // source link-layer address, section 4.6.1
  const ip6_addr_t* source = nullptr;
  for (const auto& [own, state] : ipv6_addresses(netif_)) {
    if (source == nullptr && ip6_addr_ispreferred(state)) source = &own;
  }
  if (source == nullptr) return;
  pbuf* const packet = pbuf_alloc(PBUF_IP, sizeof(ns_header) + kOption, PBUF_RAM);
  if (packet == nullptr) return;
  std::memset(packet->payload, 0, packet->len);
  auto& header = *static_cast<ns_header*>(packet->payload);
  header.type = ICMP6_TYPE_NS;
  ip6_addr_copy_to_packed(header.target_address, target);
  auto* const option = static_cast<std::uint8_t*>(packet->payload) + sizeof header;
  option[0] = ND6_OPTION_TYPE_SOURCE_LLADDR;
  option[1] = 1;
  std::memcpy(option + 2, netif_.hwaddr, ETH_HWADDR_LEN);
  ip6_addr_t everybody;
  ip6_addr_set_solicitednode(&everybody, target.addr[3]);
  ip6_addr_assign_zone(&everybody, IP6_MULTICAST, &netif_);
  header.chksum = ip6_chksum_pseudo(packet, IP6_NEXTH_ICMP6, packet->len, source, &everybody);
  ip6_output_if(packet, source, &everybody, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, &netif_);
  pbuf_free(packet);
}

// Asks again for the addresses that packets go to, because their owners may not announce themselves.
void Neighbours::ask_again(std::uint32_t now_ms) {
  for (Used& one : used_) {
    if (!one.lately || now_ms - one.asked < kBelievedMs) continue;
    one.asked = now_ms;
    one.lately = false;
    ask(one.hop);
  }
}

err_t Neighbours::send(pbuf* packet, const ip4_addr_t* to) {
  if (ip4_addr_ismulticast(to) || ip4_addr_isbroadcast(to, &netif_)) return etharp_output(&netif_, packet, to);
  ip4_addr_t hop;
  if (!next_hop(*to, hop)) return ERR_RTE;
  err_t result = ERR_OK;
  if (send_now(packet, *to, hop, result)) return result;
  if (waiting_.size() >= kMostWaiting) return ERR_MEM;
  pbuf* const copy = pbuf_clone(PBUF_LINK, PBUF_RAM, packet);
  if (copy == nullptr) return ERR_MEM;
  const std::uint32_t now = sys_now();
  if (waiting_.empty()) {
    ask(hop);
    asked_ = now;
  }
  waiting_.push_back({copy, *to, hop, now});
  return ERR_OK;
}

bool Neighbours::may_ask() {
  const std::uint32_t now = sys_now();
  if (now - asking_since_ >= 1000) {
    asking_since_ = now;
    asked_lately_ = 0;
  }
  return asked_lately_++ < kMostAsked;
}

void Neighbours::ask(const ip4_addr_t& hop) {
  if (may_ask()) etharp_request(&netif_, &hop);
}

void Neighbours::poll(std::uint32_t now_ms) {
  if (now_ms - looked_ >= kDoubtMs) {
    looked_ = now_ms;
    ask_again(now_ms);
  }
  if (waiting_.empty()) return;
  const bool asks = now_ms - asked_ >= kAskAgainMs;
  if (asks) asked_ = now_ms;
  seen_.clear();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    err_t result = ERR_OK;
    if (send_now(it->packet, it->to, it->hop, result) || now_ms - it->since >= kPatienceMs) {
      pbuf_free(it->packet);
      it = waiting_.erase(it);
      continue;
    }
    if (asks && seen_.insert(it->hop.addr).second) {
      const std::size_t place = seen_.size() - 1;
      if (place >= turn_ && place < turn_ + kAskedAtOnce) etharp_request(&netif_, &it->hop);
    }
    ++it;
  }
  if (asks) turn_ = seen_.size() > turn_ + kAskedAtOnce ? turn_ + kAskedAtOnce : 0;
}

}  // namespace demi::dpdk
