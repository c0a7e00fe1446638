// Whom a message is for: connections and ports for datagrams, by the number their peers put before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace demi::rdma {

class RdmDatagramPort;
class RdmEndpoint;

class RdmDemux {
 public:
  // Returns the number, until leave().
  std::uint32_t enter(RdmEndpoint& endpoint);
  void leave(std::uint32_t id) { endpoints_[id] = nullptr; }
  // The numbers of ports for datagrams are others than those of connections.
  std::uint32_t enter(RdmDatagramPort& port);
  void leave_port(std::uint32_t id) { ports_[id & ~kPort] = nullptr; }

  // `cookie`: what the sender knows of whom it is for.
  void on_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message);

  // One that arrived.
  void lose_datagram() { ++datagrams_lost_; }
  std::uint64_t datagrams_lost() const { return datagrams_lost_; }

 private:
  static constexpr std::uint32_t kPort = 1u << 31;

  void on_port_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message);

  std::vector<RdmEndpoint*> endpoints_;  // by id
  std::vector<RdmDatagramPort*> ports_;  // by id less kPort
  std::uint64_t datagrams_lost_ = 0;
};

}  // namespace demi::rdma
