// One connection over a fabric that has none: made by rendezvous, over when the other end of that is gone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rdm_fabric.hpp"

namespace demi::rdma {

class RdmEndpoint final : public Endpoint {
 public:
  RdmEndpoint(RdmFabric& fabric, EndpointEvents& events, OwnFd fd);
  ~RdmEndpoint() override;

  int post(std::uint8_t* memory, std::size_t bytes, Work& work) override;
  // Every message is injected.
  int send(std::span<const iovec>, Work&) override { return -EMSGSIZE; }
  int inject(std::span<const iovec> pieces) override;
  int accept(std::span<const std::uint8_t> data) override;
  int local_address(Address& out) const override;
  int peer_address(Address& out) const override;

  // The two sides of the rendezvous.
  int connect(std::span<const std::uint8_t> data);
  int meet(const Introduction& peer);
  void set_addresses(const Address& local, const Address& peer);

  // From the fabric: a message for this connection.
  void on_message(std::uint32_t cookie, std::span<const std::uint8_t> message);

 private:
  struct Posted {
    std::uint8_t* memory;
    std::size_t bytes;
    Work* work;
  };
  void on_readable();
  int introduce(Introduction::Kind kind, std::span<const std::uint8_t> data);

  RdmFabric& fabric_;
  EndpointEvents& events_;
  OwnFd fd_;
  std::uint64_t watched_;
  std::uint32_t id_;
  std::uint32_t cookie_;
  bool connecting_ = false;
  bool to_tell_ = false;  // accepted: on_connected() is still to come
  std::string peer_name_;
  const RdmPeer* peer_ = nullptr;
  std::uint32_t peer_id_ = 0;
  std::uint32_t peer_cookie_ = 0;
  Address local_;
  Address remote_;
  std::vector<Posted> posted_;
};

}  // namespace demi::rdma
