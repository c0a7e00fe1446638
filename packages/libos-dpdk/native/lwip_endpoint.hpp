// A UDP socket of lwIP.
#pragma once

#include "lwip_stack.hpp"

namespace demi::dpdk {

class LwipEndpoint final : public Endpoint {
 public:
  LwipEndpoint(LwipStack& stack, udp_pcb* pcb, int family);
  ~LwipEndpoint() override;

  void set_events(EndpointEvents& events) override { events_ = &events; }
  int bind(const Address& to) override;
  int connect(const Address& to) override;
  int send(std::span<const iovec> pieces, const Address& to) override;
  int local_address(Address& out) const override;
  int peer_address(Address& out) const override;
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) const override;

 private:
  static void on_received(void* self, udp_pcb* pcb, pbuf* datagram, const ip_addr_t* from, std::uint16_t port);

  LwipStack& stack_;
  udp_pcb* pcb_;
  int family_;
  EndpointEvents* events_ = nullptr;
};

}  // namespace demi::dpdk
