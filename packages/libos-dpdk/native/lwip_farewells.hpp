// Connections that were closed while bytes were still on their way: what was written arrives all the same.
//
// A pcb that lwIP is told to close resets the connection when more arrives for it, and forgets what it had not sent yet. So only its
// sending side is shut at first; what the peer sends is acknowledged and thrown away until everything of ours was acknowledged and the
// peer is silent or done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "lwip.hpp"

namespace demi::dpdk {

class LwipFarewells {
 public:
  // More at a time, and the oldest are lwIP's alone.
  static constexpr std::size_t kMost = 1024;
  // How long one may take, where the application has not said (linger), and how long a peer may be silent that has sent something.
  static constexpr std::uint32_t kPatienceMs = 10'000;
  static constexpr std::uint32_t kSilenceMs = 1000;

  LwipFarewells() = default;
  ~LwipFarewells();
  LwipFarewells(const LwipFarewells&) = delete;
  LwipFarewells& operator=(const LwipFarewells&) = delete;

  // Takes a pcb nobody is told of any more. `linger`: seconds, after which it is reset; -1: kPatienceMs, then lwIP has it.
  void take(tcp_pcb* pcb, int linger);
  // At times: ends those that are done.
  void look(std::uint32_t now);
  std::uint32_t under_way() const { return static_cast<std::uint32_t>(ones_.size()); }

 private:
  struct Farewell {
    LwipFarewells* all;
    tcp_pcb* pcb;
    bool reset;
    std::uint32_t since;
    std::uint32_t patience;              // milliseconds
    std::optional<std::uint32_t> heard;  // the last bytes of the peer's
    std::list<Farewell>::iterator place;
  };

  static err_t on_received(void* one, tcp_pcb* pcb, pbuf* chain, err_t error);
  static void on_error(void* one, err_t error);
  void end(Farewell& one, bool reset);

  std::list<Farewell> ones_;
};

}  // namespace demi::dpdk
