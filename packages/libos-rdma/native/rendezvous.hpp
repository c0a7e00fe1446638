// How two libOSes on one host find each other and learn of each other's end, for fabrics that have neither: a Unix socket of sequenced
// packets per connection. An address and port are a name in the kernel's abstract space (unix(7)), so that taking one twice is an error
// and nothing is left behind by a process that dies; the end of the peer is the end of its socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "demi/address.hpp"

namespace demi::rdma {

// A file descriptor that is closed with its owner.
class OwnFd {
 public:
  OwnFd() = default;
  explicit OwnFd(int fd) : fd_(fd) {}
  OwnFd(OwnFd&& other) noexcept : fd_(other.release()) {}
  OwnFd& operator=(OwnFd&& other) noexcept;
  ~OwnFd();
  int get() const { return fd_; }
  int release();

 private:
  int fd_ = -1;
};

// One packet: who speaks, and what for.
struct Introduction {
  enum class Kind : std::uint8_t { kHello = 1, kAccept = 2, kReject = 3 };
  static constexpr std::size_t kMostBytes = 512;

  Kind kind = Kind::kHello;
  std::uint32_t id = 0;      // of the sender's connection: what messages to it begin with
  std::uint32_t cookie = 0;  // and what they must know
  Address address;           // of the sender's socket
  std::string name;          // of the sender on the fabric
  std::vector<std::uint8_t> data;

  std::vector<std::uint8_t> encode() const;
  static std::optional<Introduction> decode(std::span<const std::uint8_t> packet);
};

// What an address is of: as ports of TCP and of UDP, those of the one have nothing to do with those of the other.
enum class Service : std::uint8_t { kConnections, kDatagrams };

// A listening socket for an address, whose port is chosen when it is 0; a negative errno in `error`.
OwnFd listen_at(Address& at, Service service, int backlog, int& error);
// A connection to whoever listens at the address, or at any address and its port; -EACCES when that is another user, into whose memory
// nobody should look.
OwnFd connect_to(const Address& to, Service service, int& error);

// 0, -EAGAIN when nothing is there yet, another negative errno, or -ECONNRESET at the end of the peer.
int send_introduction(int fd, const Introduction& introduction);
int receive_introduction(int fd, Introduction& out);
// True when the peer is a process of this user's (SO_PEERCRED, unix(7)).
bool same_user(int fd);
// True when the peer has ended.
bool peer_ended(int fd);

}  // namespace demi::rdma
