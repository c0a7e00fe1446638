#include "neighbours.hpp"

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
  result = etharp_output(&netif_, packet, &to);
  return true;
}

err_t Neighbours::send(pbuf* packet, const ip4_addr_t* to) {
  if (ip4_addr_ismulticast(to) || ip4_addr_isbroadcast(to, &netif_)) return etharp_output(&netif_, packet, to);
  ip4_addr_t hop = *to;
  if (!ip4_addr_netcmp(to, netif_ip4_addr(&netif_), netif_ip4_netmask(&netif_)) && !ip4_addr_islinklocal(to)) {
    hop = *netif_ip4_gw(&netif_);
    if (ip4_addr_isany_val(hop)) return ERR_RTE;
  }
  err_t result = ERR_OK;
  if (send_now(packet, *to, hop, result)) return result;
  if (waiting_.size() >= kMostWaiting) return ERR_MEM;
  pbuf* const copy = pbuf_clone(PBUF_LINK, PBUF_RAM, packet);
  if (copy == nullptr) return ERR_MEM;
  const std::uint32_t now = sys_now();
  if (waiting_.empty()) {
    etharp_request(&netif_, &hop);
    asked_ = now;
  }
  waiting_.push_back({copy, *to, hop, now});
  return ERR_OK;
}

void Neighbours::poll(std::uint32_t now_ms) {
  if (waiting_.empty()) return;
  const bool ask = now_ms - asked_ >= kAskAgainMs;
  if (ask) asked_ = now_ms;
  ip4_addr_t asked_for{};
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    err_t result = ERR_OK;
    if (send_now(it->packet, it->to, it->hop, result) || now_ms - it->since >= kPatienceMs) {
      pbuf_free(it->packet);
      it = waiting_.erase(it);
      continue;
    }
    if (ask && !ip4_addr_cmp(&asked_for, &it->hop)) {
      etharp_request(&netif_, &it->hop);
      asked_for = it->hop;
    }
    ++it;
  }
}

}  // namespace demi::dpdk
