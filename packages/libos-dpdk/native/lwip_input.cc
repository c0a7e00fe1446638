#include "lwip_input.hpp"

#include "lwip_acceptance.hpp"
#include "lwip_connection.hpp"

namespace demi::dpdk {

namespace {

constexpr std::uint32_t kMostChallenges = 100;  // a second
// Ethernet, IPv6, TCP: a frame so long carries next to nothing.
constexpr std::uint32_t kBareAcknowledgement = Port::kEthernetHeader + 40 + 20;

}  // namespace

LwipInput::LwipInput(Port& port, LwipBuffers& buffers, LwipInterface& interface, LwipLookup& lookup)
    : port_(port),
      buffers_(buffers),
      interface_(interface),
      lookup_(lookup),
      // As many fragments as lwIP keeps of a packet, each of them full.
      filter_(IP_REASS_MAX_PBUFS * (port.mtu() - IP_HLEN), kHalfOpen) {}

void LwipInput::input(const Frame& frame) {
  if (!filter_.admits(frame)) [[unlikely]]
    return port_.release(frame.slot);
  tcp_pcb* const pcb = lookup_.find(frame);
  if (pcb != nullptr && !acceptable(frame, *pcb)) [[unlikely]] {
    port_.release(frame.slot);
    return refuse(*pcb);
  }
  pbuf* const p = buffers_.wrap(frame);
  if (p == nullptr) return;
  if (pcb != nullptr) [[likely]] {
    const OnlyConnection only(pcb);
    if (frame.length > kBareAcknowledgement) [[likely]] {
      deliver(p);
    } else {
      deliver_bare(p, *pcb);
    }
  } else {
    deliver(p);
  }
}

// RFC 9293 has it answered by an acknowledgement, for a peer that has lost ours; RFC 5961 (section 7) limits how often.
void LwipInput::refuse(tcp_pcb& pcb) {
  ++segments_refused_;
  const std::uint32_t now = sys_now();
  if (now - challenges_since_ >= 1000) {
    challenges_since_ = now;
    challenges_ = 0;
  }
  if (challenges_++ < kMostChallenges) tcp_send_empty_ack(&pcb);
}

void LwipInput::deliver(pbuf* p) {
  const std::uint64_t before = interface_.retransmissions();
  interface_.input(p);
  if (interface_.retransmissions() != before) [[unlikely]]
    note_fast_retransmit();
}

void LwipInput::deliver_bare(pbuf* p, tcp_pcb& pcb) {
  const std::uint32_t acknowledged = pcb.lastack;
  const std::uint32_t received = pcb.rcv_nxt;
  const std::uint32_t edge = pcb.snd_wl2 + pcb.snd_wnd;
  deliver(p);
  // Only if the connection is still there.
  if (tcp_active_pcbs != &pcb || pcb.state < ESTABLISHED || pcb.unacked == nullptr) return;
  if (pcb.lastack != acknowledged || pcb.rcv_nxt != received || pcb.snd_wl2 + pcb.snd_wnd != edge) return;
  if (LwipConnection* const connection = LwipConnection::of(pcb); connection != nullptr)
    connection->recovery().on_duplicate(pcb);
}

// Whose segment has just arrived is the first of the list.
void LwipInput::note_fast_retransmit() {
  tcp_pcb* const pcb = tcp_active_pcbs;
  if (pcb == nullptr || !tcp_is_flag_set(pcb, TF_INFR)) return;
  if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
    connection->recovery().on_fast_retransmit(*pcb);
}

void LwipInput::update_filter() {
  std::uint32_t half_open = 0;
  for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) half_open += pcb->state == SYN_RCVD;
  filter_.set_half_open(half_open);
  // Not the IPv6 address that is tried yet: it is given up when somebody else has it, as RFC 4862 wants.
  filter_.set_own_addresses(interface_.ipv4(), interface_.valid_ipv6());
}

}  // namespace demi::dpdk
