#include "rdm_demux.hpp"

#include <algorithm>

#include "rdm_datagrams.hpp"
#include "rdm_endpoint.hpp"

namespace demi::rdma {

namespace {

// The first that is free.
template <typename T>
std::uint32_t take_place(std::vector<T*>& places, T& one) {
  auto place = std::ranges::find(places, nullptr);
  if (place == places.end()) place = places.insert(places.end(), nullptr);
  *place = &one;
  return static_cast<std::uint32_t>(place - places.begin());
}

}  // namespace

std::uint32_t RdmDemux::enter(RdmEndpoint& endpoint) { return take_place(endpoints_, endpoint); }
std::uint32_t RdmDemux::enter(RdmDatagramPort& port) { return take_place(ports_, port) | kPort; }

void RdmDemux::on_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message) {
  if (id < endpoints_.size() && endpoints_[id] != nullptr) {
    endpoints_[id]->on_message(cookie, message);
  } else if ((id & kPort) != 0) {
    on_port_message(id & ~kPort, cookie, message);
  }
}

void RdmDemux::on_port_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message) {
  if (id < ports_.size() && ports_[id] != nullptr) return ports_[id]->on_message(cookie, message);
  lose_datagram();
}

}  // namespace demi::rdma
