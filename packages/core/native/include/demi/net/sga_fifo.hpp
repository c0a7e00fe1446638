// What a socket received and nobody popped yet. A ring that doubles, so a socket that is popped in time keeps the first
// few.
#pragma once

#include <cstddef>
#include <vector>

#include "demi/op.hpp"

namespace demi::net {

class SgaFifo {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Sga front() const { return ring_[head_]; }
  Sga back() const { return ring_[(head_ + size_ - 1) & (ring_.size() - 1)]; }

  void push(Sga sga) {
    if (size_ == ring_.size()) grow();
    ring_[(head_ + size_++) & (ring_.size() - 1)] = sga;
  }

  Sga pop() {
    const Sga sga = ring_[head_];
    head_ = (head_ + 1) & (ring_.size() - 1);
    --size_;
    return sga;
  }

 private:
  void grow() {
    std::vector<Sga> bigger(ring_.empty() ? 4 : ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = ring_[(head_ + i) & (ring_.size() - 1)];
    ring_.swap(bigger);
    head_ = 0;
  }

  std::vector<Sga> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace demi::net
