// The fabric by one reliable datagram endpoint that all connections share: the provider shm, between processes of one host. It knows no
// connections, tells nothing of peers that die and has nothing to sleep on: who connects, and who has gone, is the rendezvous's business.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "fabric.hpp"
#include "rdm_demux.hpp"
#include "rdm_peers.hpp"
#include "rendezvous.hpp"
#include "shared_endpoint.hpp"
#include "watches.hpp"
#include "work_pool.hpp"

namespace demi::rdma {

class RdmDirectory;

class RdmFabric final : public Fabric {
 public:
  // nullptr on failure: a negative errno in `error`, a sentence in `message`. `buffer`: bytes of the largest message.
  static std::unique_ptr<RdmFabric> open(const FabricOptions& options, std::uint32_t buffer, std::string& message,
                                         int& error);
  ~RdmFabric() override;

  const char* provider() const override { return "shm"; }
  const char* device() const override { return "shared memory"; }
  std::size_t most_pieces() const override { return 16; }
  std::size_t most_bytes() const override { return shared_.most_bytes(); }
  std::uint32_t most_works() const override { return works_.size(); }
  int register_memory(std::span<std::uint8_t>) override { return 0; }
  std::unique_ptr<Listener> bind(const Address& to, int& error) override;
  std::unique_ptr<Endpoint> endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                     int& error) override;
  int connect(Endpoint& endpoint, std::span<const std::uint8_t> data) override;
  std::size_t most_datagram() const override;
  std::unique_ptr<DatagramPort> datagrams(const Address& at, DatagramEvents& events, int& error) override;
  std::uint64_t datagrams_lost() const override;
  bool poll() override;
  Work* work() override { return works_.take(); }
  // The fabric itself knows no Works.
  void retire(Work& work) override { recycle(work); }
  void recycle(Work& work) override { works_.give(work); }
  int wait_fd() const override { return -1; }
  bool may_wait() override;

  // ---- for its endpoints and listeners ------------------------------------------------------------------------------

  const std::string& name() const { return shared_.name(); }
  SharedEndpoint& shared() { return shared_; }
  RdmPeers& peers() { return peers_; }
  RdmDemux& demux() { return demux_; }
  Watches& watches() { return watches_; }
  RdmDirectory& directory() { return *directory_; }
  std::uint32_t fresh_cookie() { return static_cast<std::uint32_t>(random_()); }

 private:
  RdmFabric();

  RdmDemux demux_;
  SharedEndpoint shared_{demux_};
  RdmPeers peers_{shared_};
  Watches watches_;
  std::unique_ptr<RdmDirectory> directory_;
  std::mt19937 random_{std::random_device{}()};
  WorkPool works_;
};

}  // namespace demi::rdma
