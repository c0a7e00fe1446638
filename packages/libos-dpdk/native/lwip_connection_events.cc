// What lwIP reports of a connection, and how its owner is told: the callbacks, and what comes before there is an owner or memory for it.
#include <utility>

#include "lwip_connection.hpp"

namespace demi::dpdk {

err_t LwipConnection::on_connected(void* arg, tcp_pcb*, err_t) {
  auto* self = static_cast<LwipConnection*>(arg);
  if (self == nullptr) return ERR_OK;
  bool aborted = false;
  self->aborted_ = &aborted;
  self->connecting_ = false;
  if (self->events_ != nullptr) self->events_->on_connected();
  if (aborted) return ERR_ABRT;
  self->aborted_ = nullptr;
  return ERR_OK;
}

// False: no memory for it now; `chain` is still the caller's.
bool LwipConnection::deliver(pbuf* chain) {
  const auto chunks = stack_.buffers().take(chain);
  if (!chunks) {
    ++stack_.counters.receive_starved;
    return false;
  }
  for (const Sga chunk : *chunks) events_->on_received(chunk);
  return true;
}

// Both sides have said their last: lwIP frees the pcb when it likes, and tells nobody.
bool LwipConnection::has_ended(const tcp_pcb& pcb) { return pcb.state == TIME_WAIT || pcb.state == CLOSING; }

err_t LwipConnection::on_received(void* arg, tcp_pcb* pcb, pbuf* chain, err_t) {
  auto* self = static_cast<LwipConnection*>(arg);
  if (self == nullptr) {
    if (chain != nullptr) pbuf_free(chain);
    return ERR_OK;
  }
  if (self->events_ == nullptr || self->early_ != nullptr) {
    if (chain == nullptr) {
      self->early_end_ = true;
      if (has_ended(*pcb)) self->leave();
    } else if (self->early_ == nullptr) {
      self->early_ = chain;
    } else {
      pbuf_cat(self->early_, chain);
    }
    return ERR_OK;
  }
  bool aborted = false;
  self->aborted_ = &aborted;
  if (chain == nullptr) {
    if (has_ended(*pcb)) self->leave();
    self->events_->on_ended();
  } else if (!self->deliver(chain)) {
    self->aborted_ = nullptr;
    // Kept here, not by lwIP, which forgets what it could not hand over when the connection ends meanwhile. The window bounds it.
    self->early_ = chain;
    self->stack_.attend(*self);
    return ERR_OK;
  }
  if (aborted) return ERR_ABRT;
  self->aborted_ = nullptr;
  return ERR_OK;
}

err_t LwipConnection::on_sent(void* arg, tcp_pcb* pcb, std::uint16_t) {
  auto* self = static_cast<LwipConnection*>(arg);
  if (self == nullptr) return ERR_OK;
  self->recovery_.on_acknowledged(*pcb);
  return self->tell_writable();
}

err_t LwipConnection::tell_writable() {
  if (!blocked_ || events_ == nullptr) return ERR_OK;
  bool aborted = false;
  aborted_ = &aborted;
  blocked_ = false;
  events_->on_writable();
  if (aborted) return ERR_ABRT;
  aborted_ = nullptr;
  return ERR_OK;
}

// Where a write failed for want of memory and nothing is under way, no acknowledgement will say that there is room.
err_t LwipConnection::on_poll(void* arg, tcp_pcb*) {
  auto* self = static_cast<LwipConnection*>(arg);
  if (self == nullptr) return ERR_OK;
  return self->tell_writable();
}

void LwipConnection::on_error(void* arg, err_t error) {
  auto* self = static_cast<LwipConnection*>(arg);
  if (self == nullptr) return;
  self->let_go();                 // lwIP has freed it
  if (error == ERR_CLSD) return;  // both sides have ended, and everything was acknowledged
  const int code = self->connecting_ && error == ERR_RST ? -ECONNREFUSED : errno_of(error);
  if (self->events_ != nullptr && self->early_ == nullptr) {
    self->events_->on_failed(code);
  } else {
    self->early_error_ = code;
  }
}

void LwipConnection::tell_early() {
  if (pbuf* const chain = early_; chain != nullptr) {
    if (!deliver(chain)) return stack_.attend(*this);
    early_ = nullptr;
  }
  if (std::exchange(early_end_, false)) events_->on_ended();
  if (const int error = std::exchange(early_error_, 0); error != 0) events_->on_failed(error);
}

}  // namespace demi::dpdk
