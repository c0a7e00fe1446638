#include "lwip_listener.hpp"

#include <utility>

namespace demi::dpdk {

LwipListener::LwipListener(LwipStack& stack, tcp_pcb* pcb, int family, ListenerEvents& events)
    : stack_(stack), pcb_(pcb), family_(family), events_(events) {
  tcp_arg(pcb_, this);
  tcp_accept(pcb_, &on_accept);
}

LwipListener::~LwipListener() {
  stack_.forget(*this);
  incoming_.clear();
  tcp_arg(pcb_, nullptr);
  tcp_accept(pcb_, nullptr);
  tcp_close(pcb_);
}

err_t LwipListener::on_accept(void* arg, tcp_pcb* pcb, err_t error) {
  auto* self = static_cast<LwipListener*>(arg);
  if (self == nullptr || pcb == nullptr || error != ERR_OK) return ERR_VAL;
  if (self->events_.full(self->incoming_.size())) {
    ++self->stack_.counters.connections_refused;
    tcp_abort(pcb);
    return ERR_ABRT;
  }
  self->incoming_.push_back(std::make_unique<LwipConnection>(self->stack_, pcb, self->family_));
  if (self->incoming_.size() == 1) self->stack_.attend(*self);
  return ERR_OK;
}

void LwipListener::tell_incoming() {
  auto incoming = std::exchange(incoming_, {});
  for (auto& connection : incoming) events_.on_incoming(std::move(connection));
}

}  // namespace demi::dpdk
