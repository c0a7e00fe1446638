// Queue descriptors: a generation above an index, so a closed qd never names a later queue.
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "demi/layout.hpp"
#include "demi/op.hpp"
#include "demi/queue.hpp"

namespace demi {

class DescriptorTable {
 public:
  explicit DescriptorTable(std::uint32_t capacity) : capacity_(capacity) {}

  std::uint32_t size() const { return size_; }

  // The new descriptor, or -EMFILE; the queue is then destroyed.
  Qd insert(std::unique_ptr<Queue> queue) {
    std::uint32_t i;
    if (free_.size() > kRest || (!free_.empty() && entries_.size() == capacity_)) {
      i = free_.front();
      free_.pop_front();
    } else if (entries_.size() < capacity_) {
      i = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
      first_ = entries_.data();
      used_ = static_cast<std::uint32_t>(entries_.size());
    } else {
      return -EMFILE;
    }
    Entry& e = entries_[i];
    e.generation = e.generation + 1 >= kGenerations ? 1 : e.generation + 1;
    e.qd = static_cast<Qd>(e.generation << layout::kQueueIndexBits | i);
    e.queue = std::move(queue);
    e.queue->set_qd(e.qd);
    ++size_;
    return e.qd;
  }

  Queue* find(Qd qd) {
    const std::uint32_t i = static_cast<std::uint32_t>(qd) & kMask;
    if (i >= used_ || first_[i].qd != qd || qd <= 0) [[unlikely]]
      return nullptr;
    return first_[i].queue.get();
  }

  std::unique_ptr<Queue> remove(Qd qd) {
    if (find(qd) == nullptr) return nullptr;
    const std::uint32_t i = static_cast<std::uint32_t>(qd) & kMask;
    entries_[i].qd = 0;
    free_.push_back(i);
    --size_;
    return std::move(entries_[i].queue);
  }

  // Calls f(qd) for every open queue; f may close it.
  template <class F>
  void for_each(F&& f) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].qd != 0) f(entries_[i].qd);
    }
  }

 private:
  // Bit 29 marks queues that live in JavaScript, so a native generation stays below it.
  static constexpr std::uint32_t kGenerations = 1u << (29 - layout::kQueueIndexBits);
  // An entry rests while this many others are closed, before it is used again: connections that come and go in quick succession
  // would otherwise run through the generations of one entry in a second, and an old descriptor name a new connection.
  static constexpr std::size_t kRest = 1024;
  static constexpr std::uint32_t kMask = (1u << layout::kQueueIndexBits) - 1;
  struct Entry {
    Qd qd = 0;
    std::uint32_t generation = 0;
    std::unique_ptr<Queue> queue;
  };
  std::vector<Entry> entries_;
  Entry* first_ = nullptr;  // of entries_, and how many: what find() needs, without a division
  std::uint32_t used_ = 0;
  std::deque<std::uint32_t> free_;  // closed longest ago first
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
};

}  // namespace demi
