#include "lwip_stack.hpp"

#include <algorithm>
#include <utility>

#include "lwip_connection.hpp"
#include "lwip_endpoint.hpp"
#include "lwip_listener.hpp"

namespace demi::dpdk {

namespace {

constexpr int kRounds = 4;  // bursts taken in by one poll
// How often the filter is told what it has to know, and while an attack goes on.
constexpr std::uint32_t kUpdateMs = 100;
constexpr std::uint32_t kUpdateUnderPressureMs = 10;

}  // namespace

std::unique_ptr<LwipStack> LwipStack::open(Arena& arena, Port& port, const StackOptions& options, std::string& message,
                                           int& error) {
  if (Occupation::in_use) {
    message = "this process has a network stack already: lwIP keeps its state in globals";
    error = -EBUSY;
    return nullptr;
  }
  std::unique_ptr<LwipStack> stack(new LwipStack(arena, port));
  error = errno_of(stack->start(options));
  if (error == 0) return stack;
  message = "lwIP takes no interface";
  return nullptr;
}

LwipStack::LwipStack(Arena& arena, Port& port)
    : arena_(arena),
      port_(port),
      buffers_(arena, port),
      interface_(port),
      input_(port, buffers_, interface_, lookup_),
      timers_(interface_, farewells_) {}

err_t LwipStack::start(const StackOptions& options) {
  static bool initialised = false;
  if (!std::exchange(initialised, true)) lwip_init();
  if (const err_t error = interface_.start(options); error != ERR_OK) return error;
  last_ms_ = last_update_ = sys_now();
  timers_.start(last_ms_);
  input_.update_filter();
  return ERR_OK;
}

LwipStack::~LwipStack() {
  // Connections that were closed and still linger: their peers are told.
  while (tcp_active_pcbs != nullptr) tcp_abort(tcp_active_pcbs);
  while (tcp_tw_pcbs != nullptr) tcp_abort(tcp_tw_pcbs);
  while (interface_.loop_back()) {
  }
  port_.send_burst();
  // Fragments of incomplete packets hold receive buffers; their time is up.
  for (int second = 0; second <= IP_REASS_MAXAGE + 1; ++second) ip_reass_tmr();
  for (int second = 0; second <= IPV6_REASS_MAXAGE + 1; ++second) ip6_reass_tmr();
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
    buffers_.on_burst();
    for (unsigned i = 0; i < n; ++i) input_.input(frames[i]);
    port_.send_burst();
    if (!many_) break;
  }
  if (interface_.loop_back()) arrived = true;
  run_timers();
  hand_over();
  port_.send_burst();
  return arrived;
}

void LwipStack::run_timers() {
  const std::uint32_t now = sys_now();
  if (now == last_ms_) return;
  last_ms_ = now;
  timers_.run(now);
  if (now - last_update_ < (input_.under_pressure() ? kUpdateUnderPressureMs : kUpdateMs)) return;
  last_update_ = now;
  input_.update_filter();
  port_.flush_capture();
}

void LwipStack::hand_over() {
  if (!attended_listeners_.empty()) {
    for (LwipListener* listener : std::exchange(attended_listeners_, {})) listener->tell_incoming();
  }
  if (!attended_connections_.empty()) {
    for (LwipConnection* connection : std::exchange(attended_connections_, {})) connection->tell_early();
  }
}

void LwipStack::stats(const StatSink& sink) const {
  input_.filter_stats(sink);
  sink("connectionsRefused", static_cast<double>(counters.connections_refused));
  sink("datagramsDropped", static_cast<double>(counters.datagrams_dropped));
  sink("framesCopied", static_cast<double>(buffers_.counters().frames_copied));
  sink("framesDropped", static_cast<double>(buffers_.counters().frames_dropped));
  sink("receiveStarved", static_cast<double>(counters.receive_starved));
  sink("retransmissions", static_cast<double>(interface_.retransmissions()));
  sink("segmentsRefused", static_cast<double>(input_.segments_refused()));
  sink("lossProbes", static_cast<double>(timers_.loss_probes()));
  sink("closingSlowly", farewells_.under_way());
}

}  // namespace demi::dpdk
