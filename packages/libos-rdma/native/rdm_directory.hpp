// Where datagrams go, over a fabric that knows peers and no addresses: who has an address is asked by rendezvous with the first datagram for
// it, as a host asks for a hardware address (ARP, RFC 826), and known until the other end of that rendezvous is gone.
//
// A datagram on the wire, behind the envelope: 1 byte family (4 or 6), 1 byte 0, 2 bytes port, 16 bytes address, all of the sender's, numbers
// little-endian; then at least one byte of payload.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "rdm_fabric.hpp"

namespace demi::rdma {

struct DatagramHeader {
  static constexpr std::size_t kBytes = 20;
  static void encode(const Address& from, std::uint8_t* to);
  // False when the bytes cannot be a datagram.
  static bool decode(std::span<const std::uint8_t> bytes, Address& from);
};

class RdmDirectory {
 public:
  // Known at once; one more takes the place of the one that was sent to least recently.
  static constexpr std::size_t kMostKnown = 1024;
  // Datagrams to one address, and bytes to all, that wait: for the answer, or for room in the receiver's queue. More are lost.
  static constexpr std::size_t kMostWaiting = 64;
  static constexpr std::size_t kMostWaitingBytes = 1u << 20;

  // `buffer`: bytes of the longest message that is taken in, header included.
  RdmDirectory(RdmFabric& fabric, std::uint32_t buffer) : fabric_(fabric), buffer_(buffer) {}
  ~RdmDirectory();
  RdmDirectory(const RdmDirectory&) = delete;
  RdmDirectory& operator=(const RdmDirectory&) = delete;

  // 0 also for what is lost; -EMSGSIZE, -ECONNREFUSED, another negative errno.
  int send(const Address& to, const Address& from, std::span<const iovec> pieces);
  // Of one datagram, to whoever has room for it.
  std::size_t most_bytes() const { return fabric_.most_bytes() - DatagramHeader::kBytes; }
  // What one who asks is told besides who we are: how long a message may be.
  std::array<std::uint8_t, 4> limit() const;
  std::uint64_t lost() const { return lost_; }
  // Somebody has answered whom something waits for: transmit() from time to time.
  bool any_ready() const { return !ready_.empty(); }
  void transmit();

 private:
  using Key = std::array<std::uint8_t, 19>;
  struct Known {
    OwnFd fd;
    std::uint64_t watched = 0;
    const RdmPeer* peer = nullptr;  // not yet answered
    std::string name;
    std::uint32_t id = 0;
    std::uint32_t cookie = 0;
    std::uint32_t limit = 0;
    std::uint64_t used = 0;
    std::deque<std::vector<std::uint8_t>> waiting;
  };
  using Entry = std::map<Key, Known>::iterator;

  static Key key_of(const Address& address);
  Entry ask(const Address& to, const Key& key, const Address& from, int& error);
  void on_readable(const Key& key);
  int pass(const Known& known, std::span<const iovec> pieces);
  void keep(Known& known, std::span<const iovec> pieces);
  bool transmit_waiting(Entry entry);
  void forget(Entry entry);

  RdmFabric& fabric_;
  std::uint32_t buffer_;
  std::map<Key, Known> known_;
  std::vector<Key> ready_;
  std::vector<Key> turn_;  // of transmit()
  std::size_t waiting_bytes_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace demi::rdma
