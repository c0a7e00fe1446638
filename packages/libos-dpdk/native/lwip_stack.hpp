// lwIP as Debian builds it, as a NetStack: polled, without its own thread, over one port.
//
// lwIP keeps its state in globals, so there is one per process at a time. Its clock runs faster than it believes (kClock): lwIP measures
// retransmission times in ticks of half a second, and a lost segment would cost more than one.
#pragma once

#include <memory>
#include <vector>

#include "frame_filter.hpp"
#include "lwip.hpp"
#include "lwip_farewells.hpp"
#include "lwip_lookup.hpp"
#include "net_stack.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipConnection;
class LwipListener;
class Neighbours;

class LwipStack final : public NetStack {
 public:
  // lwIP's TCP timers run this many times as fast: a tick of its slow timer is 50 ms instead of 500.
  static constexpr std::uint32_t kClock = 10;
  // Connections whose peer has only sent a SYN.
  static constexpr std::uint32_t kHalfOpen = 1024;
  // Bytes of frames copied out of receive buffers when these run short; frames beyond are dropped.
  static constexpr std::size_t kMostCopied = 16u << 20;

  // nullptr and a sentence in `message` when the process has one already.
  static std::unique_ptr<LwipStack> open(Arena& arena, Port& port, const StackOptions& options, std::string& message,
                                         int& error);
  ~LwipStack() override;

  const char* name() const override { return "lwip"; }
  std::unique_ptr<Connection> connection(int family) override;
  std::unique_ptr<StackListener> listen(std::unique_ptr<Connection>& from, int backlog, ListenerEvents& events,
                                        int& error) override;
  std::unique_ptr<Endpoint> endpoint(int family) override;
  bool poll() override;
  void transmit() override { port_.send_burst(); }
  void stats(const StatSink& sink) const override;

  // ---- for the connections, listeners and endpoints of this stack ---------------------------------------------------

  Arena& arena() { return arena_; }
  LwipLookup& lookup() { return lookup_; }
  LwipFarewells& farewells() { return farewells_; }
  bool reaches(const ip_addr_t& to) const;
  // True when the address is one of ours, or any.
  bool is_local(const Address& address) const;

  // Turns a received pbuf chain into sgas of one segment each, appended to `out`: receive buffers as they are, anything else copied. False,
  // with nothing changed, when memory for the copies is short.
  bool take(pbuf* chain, std::vector<Sga>& out);
  // Where a connection collects what take() gives.
  std::vector<Sga>& chunks() { return chunks_; }
  // The same as one sga of one segment; 0 when memory is short.
  Sga take_whole(pbuf* chain);

  // Something of theirs waits for the end of the poll.
  void attend(LwipListener& listener) { attended_listeners_.push_back(&listener); }
  void attend(LwipConnection& connection) { attended_connections_.push_back(&connection); }
  void forget(LwipListener& listener);
  void forget(LwipConnection& connection);

  struct Counters {
    std::uint64_t connections_refused = 0;  // a listener's backlog was full
    std::uint64_t datagrams_dropped = 0;    // nobody popped them in time
    std::uint64_t frames_copied = 0;        // to keep receive buffers free
    std::uint64_t frames_dropped = 0;       // no memory for that either
    std::uint64_t receive_starved = 0;      // received bytes that had to wait for memory
    std::uint64_t retransmissions = 0;      // TCP segments sent again
    std::uint64_t segments_refused = 0;     // that their connection's peer cannot have sent
    std::uint64_t loss_probes = 0;          // of them, because nothing was acknowledged for some round trips
  } counters;

 private:
  // What lwIP is told a received frame is. One per receive buffer.
  struct Buffer {
    pbuf_custom custom{};
    LwipStack* stack = nullptr;
    std::uint32_t slot = 0;
  };

  LwipStack(Arena& arena, Port& port, const StackOptions& options);
  err_t start();
  static err_t init_netif(netif* interface);
  static err_t send_frame(netif* interface, pbuf* frame);
  static err_t send_ipv4(netif* interface, pbuf* packet, const ip4_addr_t* to);
  static void free_buffer(pbuf* buffer);
  static void free_copy(pbuf* buffer);
  const Buffer* buffer_of(const pbuf* p) const;
  Sga adopt(std::uint32_t slot, const std::uint8_t* payload, std::uint32_t length);

  void look_for_buffers();
  void input(const Frame& frame);
  void deliver(pbuf* p);
  void deliver_bare(pbuf* p, tcp_pcb& pcb);
  pbuf* wrap(const Frame& frame);
  pbuf* copy_out(const Frame& frame);
  bool loop_back();
  void timers();
  void tcp_timers();
  void shed_out_of_order(tcp_pcb& pcb);
  void refuse(tcp_pcb& pcb);
  void note_fast_retransmit();
  void look_for_losses();
  void count_half_open();
  // What the filter has to know of the interface: IPv6 addresses come and go with router advertisements.
  void tell_addresses();
  void hand_over();

  Arena& arena_;
  Port& port_;
  StackOptions options_;
  FrameFilter filter_;
  LwipLookup lookup_;
  LwipFarewells farewells_{lookup_};
  std::uint32_t challenges_since_ = 0;
  std::uint32_t challenges_ = 0;
  std::unique_ptr<Neighbours> neighbours_;
  netif netif_{};
  bool added_ = false;
  std::vector<Buffer> buffers_;
  bool short_of_buffers_ = false;
  bool many_ = false;  // the last look found as many frames as it asked for
  std::uint32_t bursts_ = 0;
  std::size_t copied_ = 0;
  pbuf* loop_end_ = nullptr;  // see loop_back()
  std::uint32_t last_ms_ = 0;
  std::uint32_t last_tick_ = 0;
  std::uint32_t last_look_ = 0;
  std::uint32_t last_loss_look_ = 0;
  bool sent_again_ = false;  // a TCP segment was, lately
  std::vector<Sga> chunks_;
  std::vector<LwipListener*> attended_listeners_;
  std::vector<LwipConnection*> attended_connections_;
};

}  // namespace demi::dpdk
