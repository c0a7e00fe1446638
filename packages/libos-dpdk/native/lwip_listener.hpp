// A listening TCP socket of lwIP.
#pragma once

#include <deque>
#include <memory>

#include "lwip_connection.hpp"

namespace demi::dpdk {

class LwipListener final : public StackListener {
 public:
  LwipListener(LwipStack& stack, tcp_pcb* pcb, int family, ListenerEvents& events);
  ~LwipListener() override;

  // At the end of a poll.
  void tell_incoming();

 private:
  static err_t on_accept(void* self, tcp_pcb* pcb, err_t error);

  LwipStack& stack_;
  tcp_pcb* pcb_;
  int family_;
  ListenerEvents& events_;
  std::deque<std::unique_ptr<LwipConnection>> incoming_;
};

}  // namespace demi::dpdk
