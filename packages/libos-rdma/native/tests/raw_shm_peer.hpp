// Peers over shm written by hand: the packets of the rendezvous are bytes that the test chooses, on its Unix sockets; the messages
// go by a libfabric endpoint in whatever envelope.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "raw_peer.hpp"
#include "rdm_fabric.hpp"

namespace demi::rdma::test {

// As native/rendezvous.cc has it, whatever the fields say.
struct RawIntroduction {
  std::uint8_t kind = 1;
  std::uint32_t id = 0;
  std::uint32_t cookie = 0x600dc0de;
  std::uint8_t family = 4;
  std::string name = "demikernel-1-0-1:0:0";  // of a process that is not there
  Bytes data = RawHandshake{}.bytes();
  std::optional<std::uint8_t> name_bytes = {};   // what the packet says of them
  std::optional<std::uint16_t> data_bytes = {};  // and of these
  Bytes bytes() const;
};
inline constexpr std::uint8_t kHello = 1;
inline constexpr std::uint8_t kAccept = 2;
inline constexpr std::uint8_t kReject = 3;

// What a received introduction says; nothing if it is not an introduction.
std::optional<RawIntroduction> introduction(const Bytes& packet);

// One end of a rendezvous.
class RawRendezvous {
 public:
  // Connects to whoever listens at the address. Does not wait: the listen queue must have room.
  explicit RawRendezvous(const Address& to, Service service = Service::kConnections);
  explicit RawRendezvous(int fd) : fd_(fd) {}

  // False when the other side has hung up.
  bool send(const Bytes& packet, int descriptor = -1);
  // A packet that has come, if any.
  std::optional<Bytes> receive();
  // The other side has hung up. Takes packets that came before.
  bool over();
  void close() { fd_ = OwnFd(); }

 private:
  OwnFd fd_;
  std::deque<Bytes> packets_;
  bool over_ = false;
};

// Listens for rendezvous by hand, and never answers by itself.
class RawRendezvousListener {
 public:
  explicit RawRendezvousListener(Service service = Service::kConnections);
  std::optional<RawRendezvous> accept();
  Address address;

 private:
  OwnFd fd_;
};

// Somebody whose introductions were right, with an endpoint to send messages by.
class RawShmPeer final : public Driven {
 public:
  // Connects to a libOS and REQUIREs that it accepts.
  RawShmPeer(Loopback& loopback, const Address& to, const RawHandshake& handshake = {},
             Service service = Service::kConnections);
  ~RawShmPeer();
  RawShmPeer(const RawShmPeer&) = delete;
  RawShmPeer& operator=(const RawShmPeer&) = delete;

  // In an envelope that is right. False when the receiver's queue is full.
  bool send(const Bytes& message) { return send(id, cookie, message); }
  bool send(std::uint32_t to, std::uint32_t knows, const Bytes& message);

  void turn() override;

  RawRendezvous rendezvous;
  std::uint32_t id = 0;  // of the connection, or the port, at the other end
  std::uint32_t cookie = 0;

 private:
  Loopback& loopback_;
  std::unique_ptr<RdmFabric> fabric_;
  std::string name_;
  const RdmPeer* peer_ = nullptr;
};

// A libfabric endpoint over shm without a libOS.
std::unique_ptr<RdmFabric> shm_fabric();
// Open file descriptors of this process.
std::size_t open_descriptors();

struct ServedOverShm : Served {
  explicit ServedOverShm(const Config& changes = {}) : Served(changes, "shm") {}
  // An introduction with which nothing is wrong.
  RawIntroduction hello() const { return {.name = memory->name()}; }
  // How many there are once each side has what it makes at first use, and no connection.
  std::size_t descriptors();
  // Both ends of everything that was done since are closed. CHECKs it.
  void check_rest(std::size_t descriptors);

  std::unique_ptr<RdmFabric> memory = shm_fabric();
};

}  // namespace demi::rdma::test
