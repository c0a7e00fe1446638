// The Works of a fabric: made once, taken for what is posted, given back when its completion has come.
//
// A Work of an endpoint that has closed is retired first: completions that name it may lie in the device's queues, and it is free again when
// those have been read to their end.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fabric.hpp"

namespace demi::rdma {

class WorkPool {
 public:
  // Once.
  void make(std::uint32_t works);
  std::uint32_t size() const { return size_; }

  // nullptr: all are taken.
  Work* take() {
    if (free_.empty()) return nullptr;
    Work* const work = free_.back();
    free_.pop_back();
    return work;
  }
  void give(Work& work) { free_.push_back(&work); }

  void retire(Work& work) { retired_.push_back(&work); }
  // The queues are read from here on. What retires later waits for the next time.
  void begin_read() {
    leaving_.insert(leaving_.end(), retired_.begin(), retired_.end());
    retired_.clear();
  }
  // They were read to their end.
  void end_read() {
    free_.insert(free_.end(), leaving_.begin(), leaving_.end());
    leaving_.clear();
  }
  bool any_leaving() const { return !leaving_.empty(); }
  bool any_retired() const { return !retired_.empty() || !leaving_.empty(); }

 private:
  std::uint32_t size_ = 0;
  std::unique_ptr<Work[]> works_;
  std::vector<Work*> free_;
  std::vector<Work*> retired_;
  std::vector<Work*> leaving_;  // retired before the read that goes on
};

}  // namespace demi::rdma
