// What could not go on and is tried again from poll(): because its turn was over, memory was short, or descriptors
// were.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include "demi/arena.hpp"
#include "demi/net/intrusive_list.hpp"

namespace demi::net {

class Retryable : public ListHook<Retryable> {
 public:
  virtual void retry() = 0;

 protected:
  ~Retryable() = default;
};

// Of accept(2): no descriptor or no memory for one now, the connection is still in the backlog. A case for when_descriptor().
inline bool descriptor_shortage(int error) {
  return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

// An element is in at most one of the lists.
class RetryLists {
 public:
  // Nothing tells when somebody else in the system frees a descriptor: look this often.
  static constexpr std::chrono::milliseconds kDescriptorPause{100};

  explicit RetryLists(const Arena& arena) : arena_(arena), releases_seen_(arena.releases()) {}

  // With the next poll: there is more to do, but others get their turn first.
  void soon(Retryable& r) { soon_.push_back(r); }

  // When a slot of the arena has become free.
  void when_memory(Retryable& r) {
    if (starving_.empty()) releases_seen_ = arena_.releases();
    starving_.push_back(r);
  }

  // When one of our descriptors was closed, or after kDescriptorPause.
  void when_descriptor(Retryable& r) {
    if (paused_.empty()) {
      deadline_ = Clock::now() + kDescriptorPause;
      closed_ = false;
    }
    paused_.push_back(r);
  }
  void descriptor_closed() { closed_ = true; }

  bool empty() const { return soon_.empty() && starving_.empty() && paused_.empty(); }

  bool any_soon() const {
    return !soon_.empty() || (!starving_.empty() && arena_.releases() != releases_seen_) ||
           (!paused_.empty() && closed_);
  }

  void run() {
    if (!soon_.empty()) [[unlikely]]
      run(soon_);
    if (!starving_.empty() && arena_.releases() != releases_seen_) [[unlikely]] {
      releases_seen_ = arena_.releases();
      run(starving_);
    }
    if (!paused_.empty() && (closed_ || Clock::now() >= deadline_)) [[unlikely]] {
      closed_ = false;
      run(paused_);
    }
  }

  // Shortens a wait so that what is paused gets its turn.
  std::uint32_t bound_us(std::uint32_t wait_us) const {
    if (any_soon()) return 0;
    if (paused_.empty()) return wait_us;
    const std::int64_t left = std::chrono::duration_cast<std::chrono::microseconds>(deadline_ - Clock::now()).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, wait_us));
  }

  // Milliseconds until something is due, -1 for nothing, 0 for now.
  int due_ms() const {
    if (any_soon()) return 0;
    if (paused_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, kDescriptorPause.count()));
  }

 private:
  using Clock = std::chrono::steady_clock;

  static void run(List<Retryable>& list) {
    List<Retryable> turn;  // what joins while we run waits for the next poll
    turn.take(list);
    while (Retryable* r = turn.pop_front()) r->retry();
  }

  const Arena& arena_;
  List<Retryable> soon_;
  List<Retryable> starving_;
  List<Retryable> paused_;
  std::uint64_t releases_seen_;
  Clock::time_point deadline_{};
  bool closed_ = false;
};

}  // namespace demi::net
