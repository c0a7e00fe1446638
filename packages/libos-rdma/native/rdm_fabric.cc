#include "rdm_fabric.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "rdm_datagrams.hpp"
#include "rdm_directory.hpp"
#include "rdm_endpoint.hpp"
#include "rdm_listener.hpp"
#include "region_file.hpp"

namespace demi::rdma {

namespace {

bool is_own(const Address& address) {
  Address any_port = address;
  any_port.port = 0;
  sockaddr_storage storage;
  const socklen_t length = any_port.to_sockaddr(storage);
  const OwnFd fd(::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

// Addresses are names here, but a service that is bound to one it could not have elsewhere is to hear of it.
OwnFd listen_at_own(Address& at, Service service, int& error) {
  if (is_own(at)) return listen_at(at, service, 0, error);
  error = -EADDRNOTAVAIL;
  return OwnFd();
}

}  // namespace

RdmFabric::RdmFabric() = default;

std::unique_ptr<RdmFabric> RdmFabric::open(const FabricOptions& options, std::uint32_t buffer, std::string& message,
                                           int& error) {
  std::unique_ptr<RdmFabric> self(new RdmFabric());
  static std::atomic<std::uint32_t> made{0};
  const std::string name = region_name(made++, self->fresh_cookie());
  remove_dead_regions();
  error = self->shared_.open(name, buffer, message);
  if (error == 0) error = self->watches_.open(message);
  if (error != 0) return nullptr;
  self->works_.make(options.works);
  const auto longest = static_cast<std::uint32_t>(std::min<std::size_t>(buffer, self->most_bytes()));
  self->directory_ = std::make_unique<RdmDirectory>(*self, longest);
  return self;
}

RdmFabric::~RdmFabric() {
  directory_.reset();
  // Before the peers are forgotten, of whom some may be of this process.
  shared_.close();
}

bool RdmFabric::poll() {
  bool any = shared_.poll();
  if (directory_->any_ready()) [[unlikely]]
    directory_->transmit();
  if (watches_.poll()) any = true;
  return any;
}

bool RdmFabric::may_wait() {
  watches_.set_due();
  return true;
}

// ---- connections ----------------------------------------------------------------------------------------------------

std::unique_ptr<Endpoint> RdmFabric::endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                              int& error) {
  OwnFd fd = connect_to(to, Service::kConnections, error);
  if (error != 0) return nullptr;
  auto endpoint = std::make_unique<RdmEndpoint>(*this, events, std::move(fd));
  Address local = from;
  if (local.family == 0 || local.port == 0) {
    // Nobody connects to it: any number does that tells connections apart.
    static std::atomic<std::uint32_t> given{0};
    local = to;
    local.port = static_cast<std::uint16_t>(32768 + (static_cast<std::uint32_t>(::getpid()) * 61 + given++) % 32768);
  }
  endpoint->set_addresses(local, to);
  return endpoint;
}

int RdmFabric::connect(Endpoint& endpoint, std::span<const std::uint8_t> data) {
  return static_cast<RdmEndpoint&>(endpoint).connect(data);
}

std::unique_ptr<Listener> RdmFabric::bind(const Address& to, int& error) {
  Address at = to;
  OwnFd fd = listen_at_own(at, Service::kConnections, error);
  if (error != 0) return nullptr;
  return std::make_unique<RdmListener>(*this, at, std::move(fd));
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

std::size_t RdmFabric::most_datagram() const { return directory_->most_bytes(); }
std::uint64_t RdmFabric::datagrams_lost() const { return demux_.datagrams_lost() + directory_->lost(); }

std::unique_ptr<DatagramPort> RdmFabric::datagrams(const Address& to, DatagramEvents& events, int& error) {
  Address at = to;
  OwnFd fd = listen_at_own(at, Service::kDatagrams, error);
  if (error != 0) return nullptr;
  auto port = std::make_unique<RdmDatagramPort>(*this, at, std::move(fd), events);
  error = port->start();
  return error == 0 ? std::move(port) : nullptr;
}

}  // namespace demi::rdma
