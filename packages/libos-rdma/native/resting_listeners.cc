#include "resting_listeners.hpp"

#include <algorithm>
#include <utility>

#include "libfabric.hpp"

namespace demi::rdma {

void RestingListeners::add(Fid<fid_pep> listener, const Address& address) {
  listeners_.push_back({std::move(listener), address, std::chrono::steady_clock::now() + kResting});
  if (listeners_.size() > kMostResting) close(true);
}

Fid<fid_pep> RestingListeners::wake(const Address& to) {
  Fid<fid_pep> same;
  for (auto one = listeners_.begin(); one != listeners_.end();) {
    if (to.port == 0 || one->address.port != to.port) {
      ++one;
      continue;
    }
    fabric_.reject_requests(*one->listener);
    const Address& at = one->address;
    if (at.family == to.family && at.bytes == to.bytes && at.scope == to.scope) same = std::move(one->listener);
    one = listeners_.erase(one);
  }
  return same;
}

// `oldest`: the oldest in any case.
void RestingListeners::close(bool oldest) {
  while (!listeners_.empty() && (oldest || listeners_.front().until < std::chrono::steady_clock::now())) {
    oldest = false;
    fabric_.reject_requests(*listeners_.front().listener);
    listeners_.pop_front();
  }
}

void RestingListeners::close_all() {
  while (!listeners_.empty()) close(true);
}

fid_pep* RestingListeners::find(const fid* of) const {
  const auto found = std::ranges::find_if(listeners_, [&](const Resting& one) { return &one.listener->fid == of; });
  return found == listeners_.end() ? nullptr : found->listener.get();
}

}  // namespace demi::rdma
