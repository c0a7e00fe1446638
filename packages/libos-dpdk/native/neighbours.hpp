// Where IPv4 packets go on the Ethernet: static entries, and packets that wait for an answer to an ARP request. lwIP's own ARP table
// has no static entries and keeps ten packets, so that of a thousand connections begun at once most would wait for their SYN's
// retransmission.
//
// And when a learned address is to be doubted (RFC 1122, section 2.3.2.1; RFC 4861, section 7.3): where nobody answers, TCP's timer says so,
// and where only our side speaks, it is asked again from time to time.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_set>
#include <vector>

#include "lwip.hpp"
#include "net_stack.hpp"

namespace demi::dpdk {

class Neighbours {
 public:
  static constexpr std::size_t kMostWaiting = 4096;  // packets
  static constexpr std::uint32_t kPatienceMs = 3000;
  static constexpr std::uint32_t kAskAgainMs = 100;
  // Strangers make us ask by what they send: kAskedAtOnce of the addresses that packets wait for at a time, in turn, and kMostAsked others a
  // second.
  static constexpr std::size_t kAskedAtOnce = 20;
  static constexpr std::uint32_t kMostAsked = 200;
  // Of RFC 4861's REACHABLE_TIME: so long a learned address is believed that nobody confirms.
  static constexpr std::uint32_t kBelievedMs = 30'000;
  // A neighbour is doubted so often at most.
  static constexpr std::uint32_t kDoubtMs = 1000;

  Neighbours(netif& interface, const std::vector<StackOptions::Neighbour>& fixed);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  err_t send(pbuf* packet, const ip4_addr_t* to);
  // Sends what has an address now, asks again for the rest, gives up what waited too long.
  void poll(std::uint32_t now_ms);
  // There is a way there: our own address, a neighbour, or somebody behind a router.
  bool reaches(const ip_addr_t& to) const;
  // What was sent there was not acknowledged in time: perhaps its link address is another now.
  void doubt(const ip_addr_t& to);

 private:
  // Next hops that packets went to; one for several that fall together.
  struct Used {
    ip4_addr_t hop;
    std::uint32_t asked;  // or begun to be used
    std::uint32_t doubted;
    bool lately;  // used since

    // Several that fall together are doubted as if they were one.
    void become(const ip4_addr_t& other) {
      if (ip4_addr_cmp(&hop, &other)) return;
      if (ip4_addr_isany_val(hop)) asked = sys_now();
      hop = other;
    }
  };
  static constexpr std::size_t kUsed = 64;
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
  // False: there is no way there.
  bool next_hop(const ip4_addr_t& to, ip4_addr_t& hop) const;
  bool is_fixed(const ip4_addr_t& hop) const;
  Used& used(const ip4_addr_t& hop) { return used_[lwip_ntohl(hop.addr) % kUsed]; }
  void ask_again(std::uint32_t now_ms);
  bool may_ask();
  void ask(const ip4_addr_t& hop);
  void solicit(const ip6_addr_t& target);

  netif& netif_;
  std::vector<Fixed> fixed_;
  std::list<Waiting> waiting_;
  std::uint32_t asked_ = 0;
  std::array<Used, kUsed> used_{};
  std::array<std::uint32_t, LWIP_ND6_NUM_NEIGHBORS> asked6_{};  // beside lwIP's table
  std::uint32_t looked_ = 0;
  std::unordered_set<std::uint32_t> seen_;  // next hops that packets wait for
  std::size_t turn_ = 0;                    // whom of them to ask next
  std::uint32_t asking_since_ = 0;
  std::uint32_t asked_lately_ = 0;
};

}  // namespace demi::dpdk
