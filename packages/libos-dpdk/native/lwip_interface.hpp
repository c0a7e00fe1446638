// The network interface that lwIP has over a port (its netif): its addresses, frames in and out, and packets to itself.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "frame_filter.hpp"
#include "lwip.hpp"
#include "neighbours.hpp"
#include "net_stack.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipInterface {
 public:
  explicit LwipInterface(Port& port) : port_(port) {}
  // Every connection has to be gone: what the interface says when it goes is still committed to the port.
  ~LwipInterface();
  LwipInterface(const LwipInterface&) = delete;
  LwipInterface& operator=(const LwipInterface&) = delete;

  // Up, with these addresses. Once; after an error it can only be destroyed.
  err_t start(const StackOptions& options);

  // Hands lwIP a frame, which it keeps, passes on or frees.
  void input(pbuf* frame) {
    if (netif_.input(frame, &netif_) != ERR_OK) pbuf_free(frame);
  }
  // Takes in packets to an address of this interface, a limited number. True when there was any.
  bool loop_back();

  // There is a way there.
  bool reaches(const ip_addr_t& to) const { return neighbours_->reaches(to); }
  // True when the address is one of this interface's, or any.
  bool is_local(const Address& address) const;
  // In network byte order.
  std::uint32_t ipv4() const { return netif_ip4_addr(&netif_)->addr; }
  std::vector<FrameFilter::Address6> valid_ipv6() const;

  Neighbours& neighbours() { return *neighbours_; }
  // TCP segments sent again. Whoever has lwIP do something learns by comparing whether that made it resend.
  std::uint64_t retransmissions() const { return retransmissions_; }

 private:
  static err_t init(netif* interface);
  static err_t output(netif* interface, pbuf* frame);
  static err_t output_ipv4(netif* interface, pbuf* packet, const ip4_addr_t* to);

  Port& port_;
  netif netif_{};
  bool added_ = false;
  std::unique_ptr<Neighbours> neighbours_;
  pbuf* loop_end_ = nullptr;  // see loop_back()
  std::uint64_t retransmissions_ = 0;
};

}  // namespace demi::dpdk
