// Listeners that have closed and are still there for a moment, rejecting whoever comes. libfabric's tcp reads freed memory when a listener is
// closed while a connection to it is halfway through its request (fixed in 2026: ofiwg/libfabric#12709).
#pragma once

#include <rdma/fi_endpoint.h>

#include <chrono>
#include <deque>

#include "fabric.hpp"
#include "fid.hpp"

namespace demi::rdma {

class Libfabric;

class RestingListeners {
 public:
  explicit RestingListeners(Libfabric& fabric) : fabric_(fabric) {}

  void add(Fid<fid_pep> listener, const Address& address);
  // The one at this address, which goes on; nullptr if no listener rests there. Others in its way make room.
  Fid<fid_pep> wake(const Address& to);
  // Closes those whose time is over.
  void close_due() {
    if (!listeners_.empty()) close(false);
  }
  void close_all();
  // nullptr if it is not one of them.
  fid_pep* find(const fid* of) const;

 private:
  struct Resting {
    Fid<fid_pep> listener;
    Address address;
    std::chrono::steady_clock::time_point until;
  };
  static constexpr std::chrono::seconds kResting{2};
  static constexpr std::size_t kMostResting = 256;

  void close(bool oldest);

  Libfabric& fabric_;
  std::deque<Resting> listeners_;
};

}  // namespace demi::rdma
