#include "lwip_farewells.hpp"

#include <algorithm>

namespace demi::dpdk {

namespace {

void open_window(tcp_pcb* pcb, std::uint32_t bytes) {
  for (; bytes != 0; bytes -= std::min<std::uint32_t>(bytes, 0xffff)) {
    tcp_recved(pcb, static_cast<std::uint16_t>(std::min<std::uint32_t>(bytes, 0xffff)));
  }
}

void unwatch(tcp_pcb* pcb) {
  tcp_arg(pcb, nullptr);
  tcp_recv(pcb, nullptr);
  tcp_err(pcb, nullptr);
}

}  // namespace

LwipFarewells::~LwipFarewells() {
  for (const Farewell& one : ones_) unwatch(one.pcb);
}

void LwipFarewells::take(tcp_pcb* pcb, int linger, std::uint32_t patience) {
  const bool unread = pcb->rcv_wnd < TCP_WND_MAX(pcb);
  // All of it has arrived: whoever still sends is told at once, by a reset, that nobody listens.
  const bool delivered = !unread && pcb->unsent == nullptr && pcb->unacked == nullptr && pcb->snd_wnd != 0;
  if (delivered && tcp_close(pcb) == ERR_OK) return;
  if (unread) open_window(pcb, TCP_WND_MAX(pcb) - pcb->rcv_wnd);
  tcp_shutdown(pcb, 0, 1);  // an error: shut already
  // Nothing that we sent is under way, and nothing can arrive that would be answered with a reset.
  if (pcb->state < ESTABLISHED || pcb->state == TIME_WAIT) {
    tcp_close(pcb);
    return;
  }
  const std::uint32_t now = sys_now();
  const std::uint32_t most = linger < 0 ? kMostMs : static_cast<std::uint32_t>(std::min(linger, 86'400)) * 1000;
  if (linger >= 0) patience = most;
  ones_.push_back(
      {this, pcb, now, most, patience, pcb->lastack, now, unread ? std::optional(now) : std::nullopt, {}, {}});
  Farewell& one = ones_.back();
  one.place = std::prev(ones_.end());
  one.key = lookup_.add(pcb);
  tcp_arg(pcb, &one);
  tcp_recv(pcb, &on_received);
  tcp_err(pcb, &on_error);
}

err_t LwipFarewells::on_received(void* arg, tcp_pcb* pcb, pbuf* chain, err_t) {
  auto* const one = static_cast<Farewell*>(arg);
  if (chain == nullptr) {
    // The peer is also done. Once it has all that we sent, lwIP does the rest, and frees the pcb when its time has come.
    if (one != nullptr && pcb->state == TIME_WAIT) one->all->end(*one, false);
    return ERR_OK;
  }
  if (one != nullptr) one->heard = sys_now();
  tcp_recved(pcb, chain->tot_len);
  pbuf_free(chain);
  return ERR_OK;
}

// lwIP has freed the pcb.
void LwipFarewells::on_error(void* arg, err_t) {
  auto* const one = static_cast<Farewell*>(arg);
  if (one != nullptr) one->all->forget(*one);
}

void LwipFarewells::forget(Farewell& one) {
  if (one.key) lookup_.remove(*one.key);
  ones_.erase(one.place);
}

void LwipFarewells::end(Farewell& one, bool reset) {
  tcp_pcb* const pcb = one.pcb;
  forget(one);
  unwatch(pcb);
  if (reset || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

void LwipFarewells::look(std::uint32_t now) {
  while (ones_.size() > kMost) end(ones_.front(), true);
  for (auto place = ones_.begin(); place != ones_.end();) {
    Farewell& one = *place++;
    const bool acknowledged = one.pcb->state == FIN_WAIT_2;  // its FIN was, so everything before it was
    const bool silent = !one.heard || now - *one.heard >= kSilenceMs;
    if (one.pcb->state == TIME_WAIT || (acknowledged && silent)) {
      end(one, false);
      continue;
    }
    if (one.pcb->lastack != one.acknowledged) {
      one.acknowledged = one.pcb->lastack;
      one.progress = now;
    }
    if (now - one.progress >= one.patience || now - one.since >= one.most) end(one, !acknowledged);
  }
}

}  // namespace demi::dpdk
