// Where IPv4 packets go on the Ethernet: static entries, and packets that wait for an answer to an ARP request. lwIP's own ARP table
// has no static entries and keeps ten packets, so that of a thousand connections begun at once most would wait for their SYN's
// retransmission.
#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "lwip.hpp"
#include "net_stack.hpp"

namespace demi::dpdk {

class Neighbours {
 public:
  static constexpr std::size_t kMostWaiting = 4096;  // packets
  static constexpr std::uint32_t kPatienceMs = 3000;
  static constexpr std::uint32_t kAskAgainMs = 100;

  Neighbours(netif& interface, const std::vector<StackOptions::Neighbour>& fixed);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  err_t send(pbuf* packet, const ip4_addr_t* to);
  // Sends what has an address now, asks again for the rest, gives up what waited too long.
  void poll(std::uint32_t now_ms);

 private:
  struct Fixed {
    ip4_addr_t ip;
    eth_addr mac;
  };
  struct Waiting {
    pbuf* packet;
    ip4_addr_t to;
    ip4_addr_t hop;
    std::uint32_t since;
  };
  bool send_now(pbuf* packet, const ip4_addr_t& to, const ip4_addr_t& hop, err_t& result);

  netif& netif_;
  std::vector<Fixed> fixed_;
  std::list<Waiting> waiting_;
  std::uint32_t asked_ = 0;
};

}  // namespace demi::dpdk
