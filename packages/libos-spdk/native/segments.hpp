// Which segments of the device are free.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "format.hpp"

namespace demi::spdk {

// A segment that was given back is taken again as late as possible: what was written to it last can be looked at longest. One that nothing was ever
// written to (BlockDevice::untouched()) is taken when there is no other: its first commits are slow, unless it is filled before (Filler).
class FreeSegments {
 public:
  void reset(std::uint32_t count) {
    free_.assign(count, true);
    untouched_.assign(count, false);
    written_order_.clear();
    untouched_order_.clear();
  }
  // Once it is known which are in use, and which are untouched: the others are free, or written, as those in use will be.
  void use(std::uint32_t segment) { free_[segment] = false; }
  void mark_untouched(std::uint32_t segment) { untouched_[segment] = true; }
  void start() {
    for (std::uint32_t i = 0; i < free_.size(); ++i) {
      if (free_[i])
        order_of(i).push_back(i);
      else
        untouched_[i] = false;
    }
  }

  std::size_t count() const { return written() + untouched(); }
  std::size_t written() const { return written_order_.size(); }
  std::size_t untouched() const { return untouched_order_.size(); }
  // kNone when there is none.
  std::uint32_t take() { return written_order_.empty() ? take_untouched() : take_from(written_order_); }
  std::uint32_t take_untouched() { return take_from(untouched_order_); }
  // Something goes to one that was taken.
  void touch(std::uint32_t segment) { untouched_[segment] = false; }
  void give_back(std::uint32_t segment) {
    free_[segment] = true;
    order_of(segment).push_back(segment);
  }

 private:
  std::deque<std::uint32_t>& order_of(std::uint32_t segment) {
    return untouched_[segment] ? untouched_order_ : written_order_;
  }
  std::uint32_t take_from(std::deque<std::uint32_t>& order) {
    if (order.empty()) return format::kNone;
    const std::uint32_t segment = order.front();
    order.pop_front();
    free_[segment] = false;
    return segment;
  }

  std::vector<bool> free_;
  std::vector<bool> untouched_;
  std::deque<std::uint32_t> written_order_;
  std::deque<std::uint32_t> untouched_order_;
};

}  // namespace demi::spdk
