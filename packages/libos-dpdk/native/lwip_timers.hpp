// lwIP's timers, and what else goes by its clock: TCP's run faster than lwIP believes, as it measures retransmission times in ticks of half
// a second, and a lost segment would cost more than one.
#pragma once

#include <cstdint>

#include "lwip.hpp"
#include "lwip_farewells.hpp"
#include "lwip_interface.hpp"

namespace demi::dpdk {

class LwipTimers {
 public:
  // TCP's timers run this many times as fast.
  static constexpr std::uint32_t kClock = 10;
  // What lwIP counts retransmission times in is a tick of its slow timer: 500 ms to lwIP, and this.
  static constexpr std::uint32_t kTickMs = TCP_SLOW_INTERVAL / kClock;
  static_assert(kTickMs == 50, "src/limits.ts and LIMITS.md say so");

  LwipTimers(LwipInterface& interface, LwipFarewells& farewells) : interface_(interface), farewells_(farewells) {}
  void start(std::uint32_t now_ms) { last_run_ = last_look_ = now_ms; }

  // Once a millisecond, at most.
  void run(std::uint32_t now_ms);

  // TCP segments sent again because nothing was acknowledged for some round trips.
  std::uint64_t loss_probes() const { return loss_probes_; }

 private:
  // lwIP's entry to both of its TCP timers: the fast one, for acknowledgements it has delayed, runs each time, the slow one every other.
  static constexpr std::uint32_t kRunMs = TCP_TMR_INTERVAL / kClock;

  void run_tcp();
  void note_timeouts();
  void look_for_losses(std::uint32_t now_ms);

  LwipInterface& interface_;
  LwipFarewells& farewells_;
  std::uint32_t last_run_ = 0;   // of TCP's timers
  std::uint32_t last_look_ = 0;  // for losses
  std::uint64_t loss_probes_ = 0;
};

}  // namespace demi::dpdk
