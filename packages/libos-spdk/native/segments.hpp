// Which segments of the device are free.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "format.hpp"

namespace demi::spdk {

// A segment that was given back is taken again as late as possible: what was written to it last can be looked at longest.
class FreeSegments {
 public:
  void reset(std::uint32_t count) {
    free_.assign(count, true);
    order_.clear();
  }
  // Once it is known which are in use: the others are free.
  void use(std::uint32_t segment) { free_[segment] = false; }
  void start() {
    for (std::uint32_t i = 0; i < free_.size(); ++i) {
      if (free_[i]) order_.push_back(i);
    }
  }

  std::size_t count() const { return order_.size(); }
  // kNone when there is none.
  std::uint32_t take() {
    if (order_.empty()) return format::kNone;
    const std::uint32_t segment = order_.front();
    order_.pop_front();
    free_[segment] = false;
    return segment;
  }
  void give_back(std::uint32_t segment) {
    free_[segment] = true;
    order_.push_back(segment);
  }

 private:
  std::vector<bool> free_;
  std::deque<std::uint32_t> order_;
};

}  // namespace demi::spdk
