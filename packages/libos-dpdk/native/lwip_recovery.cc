#include "lwip_recovery.hpp"

#include <algorithm>
#include <utility>

namespace demi::dpdk {

namespace {

std::uint32_t sequence(const tcp_seg& segment) { return ntohl(segment.tcphdr->seqno); }

// Without the count that makes lwIP's own timer slower, and gives a connection up.
bool send_first_again(tcp_pcb& pcb) {
  const auto count = pcb.nrtx;
  // What does not fit into the window would stay behind, out of order.
  if (pcb.unacked == nullptr || pcb.unacked->len > pcb.snd_wnd || tcp_rexmit(&pcb) != ERR_OK) return false;
  pcb.nrtx = count;
  return true;
}

}  // namespace

// An acknowledgement in a segment that was sent earlier than the one with the latest window: the window it brings does not count
// (RFC 9293, 3.10.7.4), but what it acknowledges is no longer part of the one that does. lwIP forgets that and sends beyond the window; the
// peer then refuses every segment, even acknowledgements, because their sequence number is beyond it, and both wait for each other.
void LwipRecovery::keep_window(tcp_pcb& pcb) {
  const std::uint32_t edge = pcb.snd_wl2 + pcb.snd_wnd;
  pcb.snd_wnd = TCP_SEQ_GT(edge, pcb.lastack) ? edge - pcb.lastack : 0;
  pcb.snd_wl2 = pcb.lastack;
}

// A segment that was to be sent again can wait before all others: for a window that has become smaller, for the device. lwIP's timer would
// put the others before it, where neither it nor they ever fit into the window.
void LwipRecovery::put_back(tcp_pcb& pcb) {
  if (pcb.unsent == nullptr || pcb.unacked == nullptr || pcb.rtime + 1 < pcb.rto) return;
  tcp_seg* const first = pcb.unsent;
  tcp_seg** end = &pcb.unsent;
  while (*end != nullptr && TCP_SEQ_LT(sequence(**end), sequence(*pcb.unacked))) end = &(*end)->next;
  if (end == &pcb.unsent) return;
  tcp_seg* const rest = std::exchange(*end, pcb.unacked);
  pcb.unacked = first;
  pcb.unsent = rest;
}

// ---- NewReno --------------------------------------------------------------------------------------------------------

void LwipRecovery::recover(const tcp_pcb& pcb) {
  timing_ = false;
  if (recovering_) return;
  recovering_ = true;
  recover_ = pcb.snd_nxt;
}

void LwipRecovery::on_duplicate(tcp_pcb& pcb) {
  if (++duplicates_ != kDuplicates || recovering_ || tcp_is_flag_set(&pcb, TF_INFR) || pcb.unacked->len > pcb.snd_wnd)
    return;
  const auto count = pcb.nrtx;
  tcp_rexmit_fast(&pcb);
  pcb.nrtx = count;
  recover(pcb);
  tcp_output(&pcb);
}

void LwipRecovery::go_on(tcp_pcb& pcb) {
  if (TCP_SEQ_GEQ(pcb.lastack, recover_)) {
    recovering_ = false;
    return;
  }
  // Still the same loss: no smaller window, and no fast retransmit for the duplicates that follow, which lwIP counts from anew.
  if (!send_first_again(pcb)) return;
  tcp_set_flags(&pcb, TF_INFR);
  pcb.rtime = 0;
}

void LwipRecovery::on_timeout() {
  recovering_ = false;
  timing_ = false;
}

// ---- the probe ------------------------------------------------------------------------------------------------------

void LwipRecovery::took(std::uint32_t milliseconds) {
  const std::uint32_t sample = std::max(milliseconds, kLookMs);
  round_trip_ = sample > round_trip_ ? sample : (7 * round_trip_ + sample) / 8;
}

// Round trips as seen from look() to look(): too long rather than too short.
void LwipRecovery::measure(const tcp_pcb& pcb, std::uint32_t now_ms) {
  if (looked_at_ && TCP_SEQ_GT(pcb.lastack, sent_) && now_ms - looked_ <= 2 * kLookMs) {
    // Sent since the last look, and acknowledged, whatever was lost and sent again in between.
    timing_ = false;
    took(now_ms - looked_);
  } else if (timing_ && TCP_SEQ_GEQ(pcb.lastack, timed_)) {
    timing_ = false;
    took(now_ms - timed_at_);
  }
  // Not what may be sent twice (Karn).
  if (!timing_ && pcb.unacked != nullptr && !recovering_ && probes_ == 0 && pcb.dupacks == 0 && pcb.nrtx == 0) {
    timing_ = true;
    timed_ = pcb.snd_nxt;
    timed_at_ = now_ms;
  }
  looked_at_ = true;
  looked_ = now_ms;
  sent_ = pcb.snd_nxt;
}

std::uint32_t LwipRecovery::wait() const {
  const std::uint32_t once = round_trip_ == 0 ? kFirstWaitMs : std::max(2 * round_trip_, kLeastWaitMs);
  return once << probes_;
}

bool LwipRecovery::look(tcp_pcb& pcb, std::uint32_t now_ms) {
  const bool progress = pcb.lastack != acknowledged_;
  measure(pcb, now_ms);
  bool sent = false;
  if (progress || pcb.unacked == nullptr) {
    since_ = now_ms;
    probes_ = 0;
  } else if (probes_ < kMostProbes && now_ms - since_ >= wait()) {
    since_ = now_ms;
    ++probes_;
    sent = probe(pcb);
  }
  acknowledged_ = pcb.lastack;
  return sent;
}

bool LwipRecovery::probe(tcp_pcb& pcb) {
  timing_ = false;
  const bool others_arrived = pcb.dupacks != 0 || duplicates_ != 0;
  if (!send_first_again(pcb)) return false;
  // Where nothing at all came back, a peer that pauses is likelier than a path that is full: one segment, and nothing else, is sent.
  if (others_arrived && !recovering_) {
    // As lwIP's own fast retransmit.
    pcb.ssthresh = std::max<tcpwnd_size_t>(std::min(pcb.cwnd, pcb.snd_wnd) / 2, 2u * pcb.mss);
    pcb.cwnd = pcb.ssthresh + 3u * pcb.mss;
    tcp_set_flags(&pcb, TF_INFR);
    recover(pcb);
  }
  tcp_output(&pcb);
  return true;
}

}  // namespace demi::dpdk
