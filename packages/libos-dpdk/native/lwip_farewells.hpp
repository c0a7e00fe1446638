// Connections that were closed while bytes were still on their way: what was written arrives all the same.
//
// A pcb that lwIP is told to close resets the connection when more arrives for it, and forgets what it had not sent yet. So only its
// sending side is shut at first; what the peer sends is acknowledged and thrown away until everything we sent was acknowledged and the
// peer is silent or done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "lwip.hpp"
#include "lwip_lookup.hpp"

namespace demi::dpdk {

class LwipFarewells {
 public:
  // More at a time, and the oldest is reset.
  static constexpr std::size_t kMost = 1024;
  // How long a peer may take to acknowledge something more, where the application has not said how long it all may take (linger); how
  // long it all may take then; and how long a peer may be silent that has sent something. lwIP itself would wait for ever for who answers its probes.
  static constexpr std::uint32_t kPatienceMs = 10'000;
  static constexpr std::uint32_t kMostMs = 120'000;
  static constexpr std::uint32_t kSilenceMs = 1000;

  explicit LwipFarewells(LwipLookup& lookup) : lookup_(lookup) {}
  ~LwipFarewells();
  LwipFarewells(const LwipFarewells&) = delete;
  LwipFarewells& operator=(const LwipFarewells&) = delete;

  // Takes a pcb nobody is told of any more. `linger`: seconds, after which it is reset; -1: `patience` milliseconds without progress, or
  // kMostMs. Touches no other: it may be called while lwIP takes in a segment of this one's.
  void take(tcp_pcb* pcb, int linger, std::uint32_t patience = kPatienceMs);
  // At times: ends those that are done.
  void look(std::uint32_t now);
  std::uint32_t under_way() const { return static_cast<std::uint32_t>(ones_.size()); }

 private:
  struct Farewell {
    LwipFarewells* all;
    tcp_pcb* pcb;
    std::uint32_t since;
    std::uint32_t most;          // milliseconds for all of it
    std::uint32_t patience;      // and without progress
    std::uint32_t acknowledged;  // of what we sent, and when that was
    std::uint32_t progress;
    std::optional<std::uint32_t> heard;  // the last bytes of the peer's
    std::list<Farewell>::iterator place;
    std::optional<LwipLookup::Key> key;
  };

  static err_t on_received(void* one, tcp_pcb* pcb, pbuf* chain, err_t error);
  static void on_error(void* one, err_t error);
  void end(Farewell& one, bool reset);

  void forget(Farewell& one);

  LwipLookup& lookup_;
  std::list<Farewell> ones_;
};

}  // namespace demi::dpdk
