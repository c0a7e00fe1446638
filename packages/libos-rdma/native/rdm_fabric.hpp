// The fabric by one reliable datagram endpoint of libfabric's (FI_EP_RDM) that all connections share: the provider shm, between processes of
// one host. It has no connections of its own, tells nothing of peers that die and has nothing to sleep on: who connects, and who has
// gone, is the rendezvous's business. Messages are copied in and out, and only so many bytes at a time as shm copies into the peer's memory
// at once (fi_inject): nothing of an application's memory is ever in another process's hands, and nothing waits for a peer that died.
//
// Each message on the wire: 4 bytes connection, 4 bytes cookie, both as the receiver gave them; then the message.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "demi/mapping.hpp"
#include "libfabric.hpp"
#include "rendezvous.hpp"

namespace demi::rdma {

class RdmDatagramPort;
class RdmDirectory;
class RdmEndpoint;
class RdmListener;

class RdmFabric final : public Fabric {
 public:
  static constexpr std::size_t kEnvelope = 8;
  // libfabric has room for 256 and, built without assertions, does not notice one more. We may be among our peers.
  static constexpr std::size_t kMostPeers = 255;

  // nullptr on failure: a negative errno in `error`, a sentence in `message`. `buffer`: bytes of the largest message.
  static std::unique_ptr<RdmFabric> open(const FabricOptions& options, std::uint32_t buffer, std::string& message,
                                         int& error);
  ~RdmFabric() override;

  const char* provider() const override { return "shm"; }
  const char* device() const override { return "shared memory"; }
  std::size_t most_pieces() const override { return 16; }
  std::size_t most_bytes() const override { return info_->tx_attr->inject_size - kEnvelope; }
  std::uint32_t most_works() const override { return most_works_; }
  int register_memory(std::span<std::uint8_t>) override { return 0; }
  std::unique_ptr<Listener> bind(const Address& to, int& error) override;
  std::unique_ptr<Endpoint> endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                     int& error) override;
  int connect(Endpoint& endpoint, std::span<const std::uint8_t> data) override;
  std::size_t most_datagram() const override;
  std::unique_ptr<DatagramPort> datagrams(const Address& at, DatagramEvents& events, int& error) override;
  std::uint64_t datagrams_lost() const override;
  bool poll() override;
  Work* work() override;
  // The fabric itself knows no Works.
  void retire(Work& work) override { recycle(work); }
  void recycle(Work& work) override { free_.push_back(&work); }
  int wait_fd() const override { return -1; }
  bool may_wait() override;

  // ---- for its endpoints and listeners ------------------------------------------------------------------------------

  // libfabric maps the memory of an endpoint of the same process without a reference of its own. When one is done with, nobody sends to it
  // any more, and it is closed when nobody of this process knows it any more: what it sent last makes others look at its memory.
  struct Presence {
    std::shared_mutex lock;
    bool here = true;
    OwnFd file;
    std::unique_ptr<Mapping> memory;
    Fid<fid_fabric> fabric;
    Fid<fid_domain> domain;
    Fid<fid_mr> region;
    Fid<fid_cq> completions;
    Fid<fid_av> peers;
    Fid<fid_ep> endpoint;
  };
  struct Peer {
    fi_addr_t address = FI_ADDR_NOTAVAIL;
    std::shared_ptr<Presence> presence;  // of this process, and not ourselves
    std::uint32_t connections = 0;
  };
  // Copies the pieces behind an envelope and sends them. 0, -EAGAIN or another negative errno.
  int send(const Peer& to, std::uint32_t id, std::uint32_t cookie, std::span<const iovec> pieces);
  // A peer on the fabric, until part(); nullptr when it cannot be.
  const Peer* meet(const std::string& name);
  void part(const std::string& name);
  // Something of this descriptor's wants to be looked at: `on_readable` is called until it is forgotten; `writable`: also when it can be
  // written to.
  std::uint64_t watch(int fd, std::function<void()> on_readable, bool writable = false);
  void forget(std::uint64_t watched);
  std::uint32_t enter(RdmEndpoint& endpoint);
  void leave(std::uint32_t id) { endpoints_[id] = nullptr; }
  // The numbers of ports for datagrams are others than those of connections.
  std::uint32_t enter(RdmDatagramPort& port);
  void leave_port(std::uint32_t id) { ports_[id & ~kPort] = nullptr; }
  RdmDirectory& directory() { return *directory_; }
  // One that arrived.
  void lose_datagram() { ++datagrams_lost_; }
  std::uint32_t fresh_cookie() { return static_cast<std::uint32_t>(random_()); }
  const std::string& name() const { return name_; }
  std::unique_ptr<RdmEndpoint> make_endpoint(EndpointEvents& events, OwnFd fd);
  // Takes in what has arrived.
  void drain();

 private:
  static constexpr std::uint32_t kPort = 1u << 31;

  struct Watch {
    int fd;
    std::function<void()> on_readable;
  };

  RdmFabric();
  int open_queues(const FabricOptions& options, std::string& message);
  int post(std::size_t n);
  void post_read();
  void on_arrived(std::size_t n, std::size_t bytes);
  void on_port_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message);
  int poll_completions();
  bool poll_watches();

  std::string name_;
  OwnFd file_;
  std::size_t bytes_ = 0;  // of one buffer
  std::unique_ptr<Mapping> memory_;
  std::vector<fi_context2> receives_;
  std::vector<std::size_t> read_;  // receives to be posted again
  std::vector<std::uint8_t> outgoing_;
  std::shared_ptr<Presence> presence_;

  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  Fid<fid_mr> region_;
  Fid<fid_cq> completions_;
  Fid<fid_av> peers_;
  Fid<fid_ep> endpoint_;

  std::map<std::string, Peer> met_;
  std::vector<RdmEndpoint*> endpoints_;  // by id
  std::vector<RdmDatagramPort*> ports_;  // by id less kPort
  std::unique_ptr<RdmDirectory> directory_;
  std::uint64_t datagrams_lost_ = 0;
  OwnFd epoll_;
  std::unordered_map<std::uint64_t, Watch> watches_;
  std::uint64_t next_watch_ = 1;
  std::mt19937 random_{std::random_device{}()};
  std::uint32_t polls_ = 0;
  bool look_ = true;

  std::uint32_t most_works_ = 0;
  std::vector<std::unique_ptr<Work[]>> works_;
  std::vector<Work*> free_;
};

}  // namespace demi::rdma
