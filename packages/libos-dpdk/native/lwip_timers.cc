#include "lwip_timers.hpp"

#include "lwip_connection.hpp"

namespace demi::dpdk {

namespace {

constexpr std::uint8_t kDoubtful = 2;  // timeouts in a row, after which the neighbour is asked again
// Segments of a connection: with full ones a window has 45.
constexpr int kMostOutOfOrder = 256;

// lwIP keeps what came too early in a list that it walks for each segment. Who sends single bytes makes that list long; nothing
// was promised of them (there is no SACK), so they are dropped and sent again.
void shed_out_of_order(tcp_pcb& pcb) {
  int segments = 0;
  for (const tcp_seg* segment = pcb.ooseq; segment != nullptr; segment = segment->next) ++segments;
  if (segments > kMostOutOfOrder) tcp_free_ooseq(&pcb);
}

}  // namespace

void LwipTimers::run(std::uint32_t now_ms) {
  sys_check_timeouts();
  interface_.neighbours().poll(now_ms);
  if (now_ms - last_run_ >= kRunMs) {
    last_run_ = now_ms;
    run_tcp();
    farewells_.look(now_ms);
  }
  if (now_ms - last_look_ >= LwipRecovery::kLookMs) {
    last_look_ = now_ms;
    look_for_losses(now_ms);
  }
}

void LwipTimers::run_tcp() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    LwipRecovery::put_back(*pcb);
    // What was probed with was acknowledged, and lwIP forgets to stop: it would end the process with an assertion.
    if (pcb->persist_backoff != 0 && (pcb->unsent == nullptr || pcb->unacked != nullptr)) pcb->persist_backoff = 0;
    shed_out_of_order(*pcb);
  }
  const std::uint64_t before = interface_.retransmissions();
  tcp_tmr();
  if (interface_.retransmissions() != before) note_timeouts();
}

void LwipTimers::note_timeouts() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (!tcp_is_flag_set(pcb, TF_RTO)) continue;
    if (pcb->nrtx >= kDoubtful) interface_.neighbours().doubt(pcb->remote_ip);
    if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
      connection->recovery().on_timeout();
  }
}

void LwipTimers::look_for_losses(std::uint32_t now_ms) {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (pcb->state < ESTABLISHED) continue;
    if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
      loss_probes_ += connection->recovery().look(*pcb, now_ms);
  }
}

}  // namespace demi::dpdk
