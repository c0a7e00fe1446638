// What lwIP leaves undone where packets get lost, done from outside through the fields of its pcb and the functions it exports.
//
// - NewReno (RFC 6582): lwIP sends one segment again after three duplicate acknowledgements, and waits for its timer, 100 ms and more, when a
//   second one of the same window is lost. Here a partial acknowledgement sends the next.
// - Duplicate acknowledgements: lwIP begins to count anew when one comes with another window, as Linux's do while its application reads, or
//   with data between them. Here these are left out, and the count goes on.
// - A loss probe, in the manner of RFC 8985: where nothing is acknowledged for some round trips (the last segments were lost, or one that was
//   sent again), the first segment is sent again. It takes milliseconds instead of ticks (LwipTimers::kTickMs).
// - Two mistakes that stop a connection for good: in the window (keep_window) and in the order of segments (put_back).
#pragma once

#include <cstdint>

#include "lwip.hpp"

namespace demi::dpdk {

class LwipRecovery {
 public:
  // How often look() wants to be called, ms.
  static constexpr std::uint32_t kLookMs = 5;

  // From lwIP's callback for acknowledged bytes: before it sends what there is now room for.
  void on_acknowledged(tcp_pcb& pcb) {
    duplicates_ = 0;
    if (pcb.snd_wl2 != pcb.lastack) [[unlikely]]
      keep_window(pcb);
    if (recovering_) [[unlikely]]
      go_on(pcb);
  }
  // A segment has arrived that brought nothing: no data, no other window, no acknowledgement of what is under way.
  void on_duplicate(tcp_pcb& pcb);
  // lwIP has sent a segment of this connection again, in answer to one that arrived.
  void on_fast_retransmit(tcp_pcb& pcb) { recover(pcb); }
  // lwIP's timer has sent all again.
  void on_timeout();
  // Now and then, with an increasing time. True when a probe was sent.
  bool look(tcp_pcb& pcb, std::uint32_t now_ms);

  // Before lwIP's timers run, on any connection.
  static void put_back(tcp_pcb& pcb);

 private:
  // A probe waits for twice the round trip, and so long at least, ms: a peer that is halted by its scheduler has lost nothing.
  static constexpr std::uint32_t kLeastWaitMs = 10;
  // Before there was a round trip to measure.
  static constexpr std::uint32_t kFirstWaitMs = 50;
  // In a row, each after twice the time; then lwIP's timer decides.
  static constexpr std::uint32_t kMostProbes = 3;
  static constexpr std::uint32_t kDuplicates = 3;

  static void keep_window(tcp_pcb& pcb);
  void recover(const tcp_pcb& pcb);
  void go_on(tcp_pcb& pcb);
  void measure(const tcp_pcb& pcb, std::uint32_t now_ms);
  void took(std::uint32_t milliseconds);
  std::uint32_t wait() const;
  bool probe(tcp_pcb& pcb);

  std::uint32_t duplicates_ = 0;
  bool recovering_ = false;
  bool timing_ = false;
  bool looked_at_ = false;
  std::uint8_t probes_ = 0;         // since the last acknowledgement of something new
  std::uint32_t recover_ = 0;       // the end of what was under way when a loss was found
  std::uint32_t acknowledged_ = 0;  // at the last look
  std::uint32_t since_ = 0;         // when that was new
  std::uint32_t looked_ = 0;        // the last look
  std::uint32_t sent_ = 0;          // sent by then
  std::uint32_t timed_ = 0;         // being timed: a sequence number, and when it was on its way
  std::uint32_t timed_at_ = 0;
  std::uint32_t round_trip_ = 0;  // ms, at least a look long; 0: not known
};

}  // namespace demi::dpdk
