#include "lwip_stack.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "lwip_acceptance.hpp"
#include "lwip_connection.hpp"
#include "lwip_endpoint.hpp"
#include "neighbours.hpp"

namespace demi::dpdk {

namespace {

bool in_use = false;
bool initialised = false;

constexpr int kRounds = 4;                   // bursts taken in by one poll
constexpr std::uint32_t kBurstsPerLook = 8;  // at the free receive buffers: a burst takes 32 of at least 1024
constexpr int kLoopedPackets = 128;          // packets to ourselves taken in by one poll
constexpr std::uint8_t kDoubtful = 2;        // timeouts in a row, after which the neighbour is asked again
constexpr std::uint32_t kTickMs = TCP_TMR_INTERVAL / LwipStack::kClock;
constexpr std::uint32_t kMostChallenges = 100;  // a second
// Segments of a connection: with full ones a window has 45.
constexpr int kMostOutOfOrder = 256;
constexpr std::uint32_t kLookMs = 100;  // at half-open connections
// Ethernet, IPv6, TCP: a frame so long carries next to nothing.
constexpr std::uint32_t kBareAcknowledgement = Port::kEthernetHeader + 40 + 20;
// In pbuf::flags, of which lwIP uses the lower six bits.
constexpr std::uint8_t kSentBefore = 0x80;
static_assert((kSentBefore & (PBUF_FLAG_PUSH | PBUF_FLAG_IS_CUSTOM | PBUF_FLAG_MCASTLOOP | PBUF_FLAG_LLBCAST |
                              PBUF_FLAG_LLMCAST | PBUF_FLAG_TCP_FIN)) == 0);

// A frame outside the receive buffers: this, then its bytes.
struct Copy {
  pbuf_custom custom;
  LwipStack* stack;
  std::size_t bytes;
};

}  // namespace

std::unique_ptr<LwipStack> LwipStack::open(Arena& arena, Port& port, const StackOptions& options, std::string& message,
                                           int& error) {
  if (in_use) {
    message = "this process has a network stack already: lwIP keeps its state in globals";
    error = -EBUSY;
    return nullptr;
  }
  std::unique_ptr<LwipStack> stack(new LwipStack(arena, port, options));
  error = errno_of(stack->start());
  if (error == 0) return stack;
  message = "lwIP takes no interface";
  return nullptr;
}

LwipStack::LwipStack(Arena& arena, Port& port, const StackOptions& options)
    : arena_(arena),
      port_(port),
      options_(options),
      // lwIP keeps so many fragments of a packet, each of them full.
      filter_(IP_REASS_MAX_PBUFS * (port.mtu() - IP_HLEN), kHalfOpen),
      buffers_(port.receive_pool().count()) {
  in_use = true;
  for (std::uint32_t n = 0; n < buffers_.size(); ++n) {
    buffers_[n].custom.custom_free_function = &free_buffer;
    buffers_[n].stack = this;
    buffers_[n].slot = n;
  }
  // Popped and freed by the application: lwIP no longer knows the buffer.
  arena_.on_device_release([this](std::uint32_t slot) { port_.release(slot); });
}

err_t LwipStack::start() {
  if (!initialised) {
    lwip_init();
    initialised = true;
  }
  const ip_addr_t address = to_lwip(options_.ipv4);
  const ip_addr_t gateway = to_lwip(options_.gateway);
  ip4_addr_t mask{};
  mask.addr = options_.prefix4 == 0 ? 0 : htonl(~std::uint32_t{0} << (32 - options_.prefix4));
  if (netif_add(&netif_, ip_2_ip4(&address), &mask, ip_2_ip4(&gateway), this, &init_netif, &ethernet_input) == nullptr)
    return ERR_IF;
  added_ = true;
  neighbours_ = std::make_unique<Neighbours>(netif_, options_.neighbours);
  netif_set_default(&netif_);
  netif_create_ip6_linklocal_address(&netif_, 1);
  // Given by the user, as the IPv4 address is: no duplicate detection, which would hold every connection back for seconds.
  netif_ip6_addr_set_state(&netif_, 0, IP6_ADDR_PREFERRED);
  if (options_.ipv6.family == 6) {
    const ip_addr_t six = to_lwip(options_.ipv6);
    netif_ip6_addr_set(&netif_, 1, ip_2_ip6(&six));
    netif_ip6_addr_set_state(&netif_, 1, IP6_ADDR_PREFERRED);
  }
  netif_set_up(&netif_);
  // Never empty, so that lwIP does not ask its own thread, which there is none of, to take packets to ourselves in.
  loop_end_ = pbuf_alloc(PBUF_RAW, 1, PBUF_RAM);
  if (loop_end_ == nullptr) return ERR_MEM;
  netif_.loop_first = netif_.loop_last = loop_end_;
  last_ms_ = last_tick_ = last_look_ = last_loss_look_ = sys_now();
  // Whatever the cable does: connections outlive its being pulled, and the port drops what it cannot send.
  netif_set_link_up(&netif_);
  tell_addresses();
  return ERR_OK;
}

LwipStack::~LwipStack() {
  // Connections that were closed and still linger: their peers are told.
  while (tcp_active_pcbs != nullptr) tcp_abort(tcp_active_pcbs);
  while (tcp_tw_pcbs != nullptr) tcp_abort(tcp_tw_pcbs);
  while (loop_back()) {
  }
  port_.flush();
  // Fragments of incomplete packets hold receive buffers; their time is up.
  for (int second = 0; second <= IP_REASS_MAXAGE + 1; ++second) ip_reass_tmr();
  for (int second = 0; second <= IPV6_REASS_MAXAGE + 1; ++second) ip6_reass_tmr();
  if (added_) {
    netif_.loop_first = netif_.loop_last = nullptr;
    netif_remove(&netif_);
  }
  if (loop_end_ != nullptr) pbuf_free(loop_end_);
  neighbours_.reset();
  arena_.on_device_release([](std::uint32_t) {});
  in_use = false;
}

err_t LwipStack::init_netif(netif* interface) {
  const auto* self = static_cast<const LwipStack*>(interface->state);
  interface->name[0] = 'd';
  interface->name[1] = 'k';
  interface->mtu = self->port_.mtu();
  interface->hwaddr_len = ETH_HWADDR_LEN;
  std::memcpy(interface->hwaddr, self->port_.mac().data(), ETH_HWADDR_LEN);
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
  interface->output = &send_ipv4;
  interface->output_ip6 = &ethip6_output;
  interface->linkoutput = &send_frame;
  return ERR_OK;
}

// ---- queues ---------------------------------------------------------------------------------------------------------

std::unique_ptr<Connection> LwipStack::connection(int family) {
  tcp_pcb* const pcb = tcp_new_ip_type(family == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
  if (pcb == nullptr) return nullptr;
  return std::make_unique<LwipConnection>(*this, pcb, family);
}

std::unique_ptr<StackListener> LwipStack::listen(std::unique_ptr<Connection>& from, int backlog, ListenerEvents& events,
                                                 int& error) {
  auto& connection = static_cast<LwipConnection&>(*from);
  if (!connection.bound()) {
    // As in the kernel: a port is chosen.
    Address any;
    any.family = static_cast<std::uint8_t>(IP_IS_V6_VAL(connection.pcb()->local_ip) ? 6 : 4);
    if (error = connection.bind(any); error != 0) return nullptr;
  }
  const int family = IP_IS_V6_VAL(connection.pcb()->local_ip) ? 6 : 4;
  tcp_pcb* const pcb = connection.release();
  err_t result = ERR_OK;
  tcp_pcb* const listening =
      tcp_listen_with_backlog_and_err(pcb, static_cast<std::uint8_t>(std::clamp(backlog, 1, 255)), &result);
  if (listening == nullptr) {
    tcp_abort(pcb);
    from.reset();
    error = result == ERR_USE ? -EADDRINUSE : -ENOBUFS;
    return nullptr;
  }
  from.reset();
  error = 0;
  return std::make_unique<LwipListener>(*this, listening, family, events);
}

std::unique_ptr<Endpoint> LwipStack::endpoint(int family) {
  udp_pcb* const pcb = udp_new_ip_type(family == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
  if (pcb == nullptr) return nullptr;
  return std::make_unique<LwipEndpoint>(*this, pcb, family);
}

bool LwipStack::reaches(const ip_addr_t& to) const { return neighbours_->reaches(to); }

bool LwipStack::is_local(const Address& address) const {
  const ip_addr_t wanted = to_lwip(address);
  if (ip_addr_isany(&wanted)) return true;
  if (address.family == 4) return ip4_addr_cmp(ip_2_ip4(&wanted), netif_ip4_addr(&netif_));
  for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
    if (netif_ip6_addr_state(&netif_, i) != IP6_ADDR_INVALID &&
        ip6_addr_cmp_zoneless(ip_2_ip6(&wanted), netif_ip6_addr(&netif_, i)))
      return true;
  }
  return false;
}

void LwipStack::forget(LwipListener& listener) { std::erase(attended_listeners_, &listener); }
void LwipStack::forget(LwipConnection& connection) { std::erase(attended_connections_, &connection); }

// ---- the turn -------------------------------------------------------------------------------------------------------

bool LwipStack::poll() {
  bool arrived = false;
  Frame frames[Port::kBurst];
  for (int round = 0; round < kRounds; ++round) {
    const unsigned some = round == 0 && !many_ ? Port::kFewFrames : Port::kBurst;
    const unsigned n = port_.receive(frames, some);
    many_ = n == some;
    if (n == 0) break;
    arrived = true;
    if (bursts_++ % kBurstsPerLook == 0) look_for_buffers();
    for (unsigned i = 0; i < n; ++i) input(frames[i]);
    port_.flush();
    if (!many_) break;
  }
  if (loop_back()) arrived = true;
  timers();
  hand_over();
  port_.flush();
  return arrived;
}

// Whatever lwIP keeps (segments out of order, fragments) must not keep the device from receiving.
void LwipStack::look_for_buffers() {
  const ReceivePool& pool = port_.receive_pool();
  short_of_buffers_ = pool.available() < pool.count() / 4;
}

void LwipStack::input(const Frame& frame) {
  if (!filter_.admits(frame)) [[unlikely]]
    return port_.release(frame.slot);
  tcp_pcb* const pcb = lookup_.find(frame);
  if (pcb != nullptr && !acceptable(frame, *pcb)) [[unlikely]] {
    port_.release(frame.slot);
    return refuse(*pcb);
  }
  pbuf* const p = wrap(frame);
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
void LwipStack::refuse(tcp_pcb& pcb) {
  ++counters.segments_refused;
  if (last_ms_ - challenges_since_ >= 1000) {
    challenges_since_ = last_ms_;
    challenges_ = 0;
  }
  if (challenges_++ < kMostChallenges) tcp_send_empty_ack(&pcb);
}

void LwipStack::deliver_bare(pbuf* p, tcp_pcb& pcb) {
  const std::uint32_t acknowledged = pcb.lastack;
  const std::uint32_t received = pcb.rcv_nxt;
  const std::uint32_t edge = pcb.snd_wl2 + pcb.snd_wnd;
  deliver(p);
  // Only if the connection is still there.
  if (tcp_active_pcbs != &pcb || pcb.state < ESTABLISHED || pcb.unacked == nullptr) return;
  if (pcb.lastack != acknowledged || pcb.rcv_nxt != received || pcb.snd_wl2 + pcb.snd_wnd != edge) return;
  if (LwipConnection* const connection = LwipConnection::of(pcb); connection != nullptr)
    connection->recovery().duplicate(pcb);
}

void LwipStack::deliver(pbuf* p) {
  sent_again_ = false;
  if (netif_.input(p, &netif_) != ERR_OK) pbuf_free(p);
  if (sent_again_) [[unlikely]]
    note_fast_retransmit();
}

pbuf* LwipStack::wrap(const Frame& frame) {
  if (short_of_buffers_) [[unlikely]]
    return copy_out(frame);
  const auto length = static_cast<std::uint16_t>(frame.length);
  return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &buffers_[frame.slot].custom, frame.data, length);
}

pbuf* LwipStack::copy_out(const Frame& frame) {
  const std::size_t bytes = sizeof(Copy) + frame.length;
  auto* const copy = copied_ + bytes <= kMostCopied ? static_cast<Copy*>(std::malloc(bytes)) : nullptr;
  pbuf* p = nullptr;
  if (copy == nullptr) {
    ++counters.frames_dropped;
  } else {
    ++counters.frames_copied;
    copied_ += bytes;
    *copy = {{{}, &free_copy}, this, bytes};
    std::memcpy(copy + 1, frame.data, frame.length);
    const auto length = static_cast<std::uint16_t>(frame.length);
    p = pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &copy->custom, copy + 1, length);
  }
  port_.release(frame.slot);
  return p;
}

void LwipStack::free_buffer(pbuf* p) {
  const auto* buffer = reinterpret_cast<const Buffer*>(p);
  buffer->stack->port_.release(buffer->slot);
}

void LwipStack::free_copy(pbuf* p) {
  auto* const copy = reinterpret_cast<Copy*>(p);
  copy->stack->copied_ -= copy->bytes;
  std::free(copy);
}

void LwipStack::count_half_open() {
  std::uint32_t half_open = 0;
  for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) half_open += pcb->state == SYN_RCVD;
  filter_.half_open(half_open);
}

void LwipStack::tell_addresses() {
  std::vector<FrameFilter::Address6> six;
  for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
    // One that is tried yet is given up when somebody else has it, as RFC 4862 wants.
    if (!ip6_addr_isvalid(netif_ip6_addr_state(&netif_, i))) continue;
    std::memcpy(six.emplace_back().data(), netif_ip6_addr(&netif_, i)->addr, sizeof(FrameFilter::Address6));
  }
  filter_.own(netif_ip4_addr(&netif_)->addr, std::move(six));
}

// Packets to our own address hang behind loop_end_.
bool LwipStack::loop_back() {
  bool any = false;
  for (int n = 0; n < kLoopedPackets && loop_end_ != nullptr && loop_end_->next != nullptr; ++n) {
    any = true;
    pbuf* const packet = loop_end_->next;
    pbuf* last = packet;
    while (last->len != last->tot_len) last = last->next;
    loop_end_->next = last->next;
    if (last->next == nullptr) netif_.loop_last = loop_end_;
    last->next = nullptr;
    if (ip_input(packet, &netif_) != ERR_OK) pbuf_free(packet);
  }
  return any;
}

void LwipStack::timers() {
  const std::uint32_t now = sys_now();
  if (now == last_ms_) return;
  last_ms_ = now;
  sys_check_timeouts();
  neighbours_->poll(now);
  if (now - last_tick_ >= kTickMs) {
    last_tick_ = now;
    tcp_timers();
    farewells_.look(now);
  }
  if (now - last_loss_look_ >= LwipRecovery::kLookMs) {
    last_loss_look_ = now;
    look_for_losses();
  }
  // Looked at more often while an attack goes on.
  if (now - last_look_ < (filter_.under_pressure() ? 10 : kLookMs)) return;
  last_look_ = now;
  count_half_open();
  tell_addresses();
  port_.flush_capture();
}

// lwIP keeps what came too early in a list that it walks for each segment. Who sends single bytes makes that list long; nothing
// was promised of them (there is no SACK), so they are dropped and sent again.
void LwipStack::shed_out_of_order(tcp_pcb& pcb) {
  int segments = 0;
  for (const tcp_seg* segment = pcb.ooseq; segment != nullptr; segment = segment->next) ++segments;
  if (segments > kMostOutOfOrder) tcp_free_ooseq(&pcb);
}

void LwipStack::tcp_timers() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    LwipRecovery::put_back(*pcb);
    // What was probed with was acknowledged, and lwIP forgets to stop: it would end the process with an assertion.
    if (pcb->persist_backoff != 0 && (pcb->unsent == nullptr || pcb->unacked != nullptr)) pcb->persist_backoff = 0;
    shed_out_of_order(*pcb);
  }
  sent_again_ = false;
  tcp_tmr();
  if (!sent_again_) return;
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (!tcp_is_flag_set(pcb, TF_RTO)) continue;
    if (pcb->nrtx >= kDoubtful) neighbours_->doubt(pcb->remote_ip);
    if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
      connection->recovery().timed_out();
  }
}

// Whose segment has just arrived is the first of the list.
void LwipStack::note_fast_retransmit() {
  tcp_pcb* const pcb = tcp_active_pcbs;
  if (pcb == nullptr || !tcp_is_flag_set(pcb, TF_INFR)) return;
  if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
    connection->recovery().fast_retransmitted(*pcb);
}

void LwipStack::look_for_losses() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (pcb->state < ESTABLISHED) continue;
    if (LwipConnection* const connection = LwipConnection::of(*pcb); connection != nullptr)
      counters.loss_probes += connection->recovery().look(*pcb, last_ms_);
  }
}

void LwipStack::hand_over() {
  if (!attended_listeners_.empty()) {
    for (LwipListener* listener : std::exchange(attended_listeners_, {})) listener->tell_incoming();
  }
  if (!attended_connections_.empty()) {
    for (LwipConnection* connection : std::exchange(attended_connections_, {})) connection->tell_early();
  }
}

// ---- sending --------------------------------------------------------------------------------------------------------

err_t LwipStack::send_ipv4(netif* interface, pbuf* packet, const ip4_addr_t* to) {
  return static_cast<LwipStack*>(interface->state)->neighbours_->send(packet, to);
}

// The one copy on the way out: lwIP keeps its own until it is acknowledged.
err_t LwipStack::send_frame(netif* interface, pbuf* frame) {
  auto* const self = static_cast<LwipStack*>(interface->state);
  Port& port = self->port_;
  if (frame->tot_len > port.mtu() + Port::kEthernetHeader) return ERR_VAL;
  std::uint8_t* const to = port.reserve();
  if (to == nullptr) return ERR_BUF;
  // Only TCP's segments are kept and come by again.
  if ((frame->flags & kSentBefore) != 0) [[unlikely]] {
    ++self->counters.retransmissions;
    self->sent_again_ = true;
  }
  frame->flags |= kSentBefore;
  pbuf_copy_partial(frame, to, frame->tot_len, 0);
  port.commit(frame->tot_len);
  return ERR_OK;
}

// ---- received memory ------------------------------------------------------------------------------------------------

const LwipStack::Buffer* LwipStack::buffer_of(const pbuf* p) const {
  if ((p->flags & PBUF_FLAG_IS_CUSTOM) == 0 || p->ref != 1) return nullptr;
  const auto* buffer = reinterpret_cast<const Buffer*>(p);
  const bool ours = buffer >= buffers_.data() && buffer < buffers_.data() + buffers_.size();
  return ours ? buffer : nullptr;
}

bool LwipStack::take(pbuf* chain, std::vector<Sga>& out) {
  // Memory for the copies first: all or nothing.
  const std::size_t before = out.size();
  for (const pbuf* p = chain; p != nullptr; p = p->next) {
    if (p->len == 0) continue;
    Sga copy = 0;
    if (buffer_of(p) == nullptr) {
      copy = arena_.alloc(p->len);
      if (copy == 0) {
        for (std::size_t i = before; i < out.size(); ++i) {
          if (out[i] != 0) arena_.free(out[i]);
        }
        out.resize(before);
        return false;
      }
      std::memcpy(arena_.slot_start(copy), p->payload, p->len);
    }
    out.push_back(copy);
  }
  std::size_t i = before;
  while (chain != nullptr) {
    // Not pbuf_dechain(), which would free the rest.
    pbuf* const rest = chain->next;
    chain->next = nullptr;
    chain->tot_len = chain->len;
    if (chain->len == 0) {
      pbuf_free(chain);
    } else if (out[i++] != 0) {
      pbuf_free(chain);
    } else {
      // The pbuf is forgotten, its receive buffer goes on as an sga.
      const Buffer* const buffer = buffer_of(chain);
      const auto* payload = static_cast<const std::uint8_t*>(chain->payload);
      out[i - 1] = adopt(buffer->slot, payload, chain->len);
    }
    chain = rest;
  }
  return true;
}

Sga LwipStack::adopt(std::uint32_t slot, const std::uint8_t* payload, std::uint32_t length) {
  const Sga sga = arena_.adopt(slot, 0, 0);
  arena_.set_range(sga, static_cast<std::uint32_t>(payload - arena_.slot_start(sga)), length);
  return sga;
}

Sga LwipStack::take_whole(pbuf* chain) {
  if (chain->next == nullptr && buffer_of(chain) != nullptr) {
    return adopt(buffer_of(chain)->slot, static_cast<const std::uint8_t*>(chain->payload), chain->len);
  }
  const Sga sga = arena_.alloc(chain->tot_len);
  if (sga == 0) return 0;
  pbuf_copy_partial(chain, arena_.slot_start(sga), chain->tot_len, 0);
  pbuf_free(chain);
  return sga;
}

void LwipStack::stats(const StatSink& sink) const {
  filter_.stats(sink);
  sink("connectionsRefused", static_cast<double>(counters.connections_refused));
  sink("datagramsDropped", static_cast<double>(counters.datagrams_dropped));
  sink("framesCopied", static_cast<double>(counters.frames_copied));
  sink("framesDropped", static_cast<double>(counters.frames_dropped));
  sink("receiveStarved", static_cast<double>(counters.receive_starved));
  sink("retransmissions", static_cast<double>(counters.retransmissions));
  sink("segmentsRefused", static_cast<double>(counters.segments_refused));
  sink("lossProbes", static_cast<double>(counters.loss_probes));
  sink("closingSlowly", farewells_.under_way());
}

}  // namespace demi::dpdk
