// What becomes of a received frame: refused, or taken in by lwIP as part of the connection that it belongs to.
#pragma once

#include <cstdint>

#include "frame_filter.hpp"
#include "lwip.hpp"
#include "lwip_buffers.hpp"
#include "lwip_interface.hpp"
#include "lwip_lookup.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipInput {
 public:
  // Connections whose peer has only sent a SYN.
  static constexpr std::uint32_t kHalfOpen = 1024;

  LwipInput(Port& port, LwipBuffers& buffers, LwipInterface& interface, LwipLookup& lookup);

  void input(const Frame& frame);

  // From time to time: what the filter has to know, which nobody tells it. IPv6 addresses come and go with router advertisements.
  void update_filter();
  // Then it should be called more often.
  bool under_pressure() const { return filter_.under_pressure(); }

  // Segments that their connection's peer cannot have sent.
  std::uint64_t segments_refused() const { return segments_refused_; }
  void filter_stats(const StatSink& sink) const { filter_.stats(sink); }

 private:
  void refuse(tcp_pcb& pcb);
  void deliver(pbuf* p);
  void deliver_bare(pbuf* p, tcp_pcb& pcb);
  static void note_fast_retransmit();

  Port& port_;
  LwipBuffers& buffers_;
  LwipInterface& interface_;
  LwipLookup& lookup_;
  FrameFilter filter_;
  std::uint64_t segments_refused_ = 0;
  // Acknowledgements of refused segments, in the second that began then.
  std::uint32_t challenges_ = 0;
  std::uint32_t challenges_since_ = 0;
};

}  // namespace demi::dpdk
