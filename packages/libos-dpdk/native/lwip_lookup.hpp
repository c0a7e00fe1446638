// Which connection a TCP segment belongs to. lwIP looks through a list of all connections, most recently used first: with many that take
// turns, each segment walks past all the others. Here they are in a hash table, and lwIP is shown a list that holds the right one alone.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "lwip.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipLookup {
 public:
  // The peer's address, and both ports as they stand in its segments.
  struct Key {
    std::uint64_t high;
    std::uint64_t low;
    std::uint32_t ports;
    bool operator==(const Key&) const = default;
  };

  LwipLookup();
  // A connection whose addresses and ports are known. Nothing when the same peer has one to another local address: lwIP has to
  // find that one, as it does all that are not here.
  std::optional<Key> add(tcp_pcb* pcb);
  // By its key: lwIP frees a connection before it says so.
  void remove(const Key& key) { connections_.erase(key); }
  // nullptr: no connection that was added, or not TCP.
  tcp_pcb* find(const Frame& frame) const;

 private:
  struct Hash {
    std::uint64_t seed;  // so that no peer can choose ports that meet
    std::size_t operator()(const Key& key) const noexcept;
  };

  std::unordered_map<Key, tcp_pcb*, Hash> connections_;
};

// While it lives, lwIP's list of connections is `pcb` alone; afterwards it is what it was, with what has changed meanwhile. Only for the
// time in which lwIP takes in a segment of that connection's, when nobody touches another.
class OnlyConnection {
 public:
  explicit OnlyConnection(tcp_pcb* pcb) : pcb_(pcb), first_(tcp_active_pcbs), next_(pcb->next) {
    tcp_active_pcbs = pcb;
    pcb->next = nullptr;
  }
  ~OnlyConnection() {
    if (tcp_active_pcbs == pcb_ && pcb_->next == nullptr) [[likely]] {
      pcb_->next = next_;
      tcp_active_pcbs = first_;
    } else {
      merge();
    }
  }
  OnlyConnection(const OnlyConnection&) = delete;
  OnlyConnection& operator=(const OnlyConnection&) = delete;

 private:
  void merge();

  tcp_pcb* const pcb_;  // possibly freed
  tcp_pcb* first_;
  tcp_pcb* const next_;
};

}  // namespace demi::dpdk
