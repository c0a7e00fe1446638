// lwIP as Debian builds it, as a NetStack: polled, without its own thread, over one port. lwIP keeps its state in globals, so there is one
// per process at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lwip.hpp"
#include "lwip_buffers.hpp"
#include "lwip_farewells.hpp"
#include "lwip_input.hpp"
#include "lwip_interface.hpp"
#include "lwip_lookup.hpp"
#include "lwip_timers.hpp"
#include "net_stack.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipConnection;
class LwipListener;

class LwipStack final : public NetStack {
 public:
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
  LwipBuffers& buffers() { return buffers_; }
  const LwipInterface& interface() const { return interface_; }
  LwipLookup& lookup() { return lookup_; }
  LwipFarewells& farewells() { return farewells_; }

  // Something of theirs waits for the end of the poll.
  void attend(LwipListener& listener) { attended_listeners_.push_back(&listener); }
  void attend(LwipConnection& connection) { attended_connections_.push_back(&connection); }
  void forget(LwipListener& listener);
  void forget(LwipConnection& connection);

  struct Counters {
    std::uint64_t connections_refused = 0;  // a listener's backlog was full
    std::uint64_t datagrams_dropped = 0;    // nobody popped them in time
    std::uint64_t receive_starved = 0;      // received bytes that had to wait for memory
  } counters;

 private:
  // While it lives, lwIP's globals are this stack's.
  class Occupation {
   public:
    Occupation() { in_use = true; }
    ~Occupation() { in_use = false; }
    Occupation(const Occupation&) = delete;
    Occupation& operator=(const Occupation&) = delete;
    static inline bool in_use = false;
  };

  LwipStack(Arena& arena, Port& port);
  err_t start(const StackOptions& options);
  void run_timers();
  void hand_over();

  Occupation occupation_;
  Arena& arena_;
  Port& port_;
  LwipLookup lookup_;
  LwipFarewells farewells_{lookup_};
  LwipBuffers buffers_;
  LwipInterface interface_;
  LwipInput input_;
  LwipTimers timers_;
  bool many_ = false;  // the last look found as many frames as it asked for
  std::uint32_t last_ms_ = 0;
  std::uint32_t last_update_ = 0;  // of the filter
  std::vector<LwipListener*> attended_listeners_;
  std::vector<LwipConnection*> attended_connections_;
};

}  // namespace demi::dpdk
