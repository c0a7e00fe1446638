// One outstanding operation, and the table that finds it by token.
#pragma once

#include <cerrno>
#include <cstdint>
#include <span>
#include <vector>

#include "demi/layout.hpp"
#include "demi/page_array.hpp"

namespace demi {

using Qd = std::int32_t;   // queue descriptor
using Qt = std::int32_t;   // queue token
using Sga = std::int32_t;  // scatter-gather array: handle of its first slot, 0 for none

// A cache line each, so that finding one by its index is a shift.
struct alignas(64) Op {
  Qt qt = 0;  // 0 when the entry is free
  Qd qd = 0;
  Sga sga = 0;               // push: the bytes to send; else 0
  std::uint32_t limit = 0;   // push: bytes in all; pop: most bytes wanted, 0 for what there is
  std::uint8_t code = 0;     // layout::kOp*
  std::uint8_t flags = 0;    // layout::kFlag*
  bool dropped = false;      // nobody waits for the result any more
  bool started = false;      // for the queue: the device has begun and the operation cannot be cancelled
  std::uint32_t cursor = 0;  // for the queue: bytes already done
  bool linked = false;       // in an OpList
  Op* prev = nullptr;
  Op* next = nullptr;

  void begin(std::uint8_t op_code, std::uint8_t op_flags, Qd queue) {
    qd = queue;
    sga = 0;
    limit = 0;
    code = op_code;
    flags = op_flags;
    dropped = false;
    started = false;
    cursor = 0;
  }
};

// Operations waiting on one direction of a queue, oldest first. Intrusive: linking allocates nothing.
class OpList {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  Op* front() const { return head_; }

  void push_back(Op& op) {
    op.linked = true;
    op.prev = tail_;
    op.next = nullptr;
    (tail_ ? tail_->next : head_) = &op;
    tail_ = &op;
    ++size_;
  }

  // Back before the others, for one that was taken and could not be done yet.
  void push_front(Op& op) {
    op.linked = true;
    op.prev = nullptr;
    op.next = head_;
    (head_ ? head_->prev : tail_) = &op;
    head_ = &op;
    ++size_;
  }

  void remove(Op& op) {
    (op.prev ? op.prev->next : head_) = op.next;
    (op.next ? op.next->prev : tail_) = op.prev;
    op.prev = op.next = nullptr;
    op.linked = false;
    --size_;
  }

  Op* pop_front() {
    Op* op = head_;
    if (op) remove(*op);
    return op;
  }

 private:
  Op* head_ = nullptr;
  Op* tail_ = nullptr;
  std::size_t size_ = 0;
};

// JavaScript chooses tokens; this table refuses one whose index is out of range or still in use, and finds an operation
// only by its whole token, generation included. Quiet pushes have no token: they get an entry of a separate pool, and
// kNoToken in place of a token.
class OpTable {
 public:
  static constexpr Qt kNoToken = -1;
  // Quiet pushes outstanding at once, at most: they are for what completes soon.
  static constexpr std::uint32_t kQuietOps = 4096;

  explicit OpTable(std::uint32_t capacity) : ops_(capacity), quiet_ops_(kQuietOps), capacity_(capacity) {}

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t in_use() const { return in_use_; }

  // nullptr: the token names no entry, or one that is still outstanding.
  Op* start(Qt qt) {
    const std::uint32_t index = static_cast<std::uint32_t>(qt) & kMask;
    if (qt <= 0 || index >= capacity_) [[unlikely]]
      return nullptr;
    Op& op = ops_[index];
    if (op.qt != 0) [[unlikely]]
      return nullptr;
    op.qt = qt;
    ++in_use_;
    return &op;
  }

  // True when start() would succeed.
  bool vacant(Qt qt) const {
    const std::uint32_t index = static_cast<std::uint32_t>(qt) & kMask;
    return qt > 0 && index < capacity_ && ops_[index].qt == 0;
  }

  Op* find(Qt qt) {
    const std::uint32_t index = static_cast<std::uint32_t>(qt) & kMask;
    if (qt <= 0 || index >= capacity_ || ops_[index].qt != qt) return nullptr;
    return &ops_[index];
  }

  // An entry for a push without a token; nullptr when kQuietOps are outstanding.
  Op* start_quiet() {
    Op* op = free_quiet_;
    if (op != nullptr) [[likely]] {
      free_quiet_ = op->next;
      op->next = nullptr;
    } else if (used_quiet_ < kQuietOps) {
      op = &quiet_ops_[used_quiet_++];
    } else {
      return nullptr;
    }
    op->qt = kNoToken;
    ++in_use_;
    return op;
  }

  void finish(Op& op) {
    if (op.qt == kNoToken) release_quiet(op);
    finish_token(op);
  }
  // As finish(), of an operation that has a token.
  void finish_token(Op& op) {
    op.qt = 0;
    --in_use_;
  }

 private:
  void release_quiet(Op& op) {
    op.next = free_quiet_;
    free_quiet_ = &op;
  }

  static constexpr std::uint32_t kMask = (1u << layout::kTokenIndexBits) - 1;
  PageArray<Op> ops_;
  PageArray<Op> quiet_ops_;
  Op* free_quiet_ = nullptr;
  std::uint32_t used_quiet_ = 0;  // entries that were in use once
  std::uint32_t capacity_;
  std::uint32_t in_use_ = 0;
};

}  // namespace demi
