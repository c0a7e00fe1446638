// An in-memory queue: a bounded FIFO of sgas. Every addon has it; qd = os.queue() makes one.
//
// A push that gives its sga away moves it to the popper; any other push copies, so that "push done" means "memory free". A full
// queue keeps further pushes pending, in order, until a pop makes room. shutdown() puts an end behind them.
#pragma once

#include <vector>

#include "demi/runtime.hpp"

namespace demi {

class MemoryQueue final : public Queue {
 public:
  MemoryQueue(Runtime& runtime, std::uint32_t capacity) : Queue(runtime), capacity_(capacity) {}
  ~MemoryQueue() override {
    while (size_ != 0) runtime_.arena().free(take_front());
  }

  bool try_push(Sga sga, std::uint32_t) override {
    if (!pops_.empty() || !pushes_.empty() || size_ >= capacity_ || ended_) return false;
    append(sga);
    return true;
  }

  Sga try_pop() override {
    // A waiting push gets the room, and is told after the pop: the long way.
    if (!pops_.empty() || size_ == 0 || !pushes_.empty()) return 0;
    return take_front();
  }

  void push(Op& op) override {
    if (ended_) return runtime_.complete(op, -EPIPE);
    if (pushes_.empty() && (!pops_.empty() || size_ < capacity_)) {
      accept_push(op);
    } else {
      pushes_.push_back(op);
    }
  }

  void pop(Op& op) override {
    if (!pops_.empty() || size_ == 0) {
      pops_.push_back(op);
      return end_pops();
    }
    deliver(op);
    // The room goes to the oldest waiting push.
    while (size_ < capacity_ && !pushes_.empty()) accept_push(*pushes_.pop_front());
  }

  bool cancel(Op& op) override {
    if (!op.linked) return false;
    (op.code == layout::kOpPush ? pushes_ : pops_).remove(op);
    return true;
  }

  int shutdown() override {
    ended_ = true;
    end_pops();
    return 0;
  }

  void close(std::unique_ptr<Queue>) override {
    runtime_.fail_all(pops_, -ECANCELED);
    runtime_.fail_all(pushes_, -ECANCELED);
  }

 private:
  // Pops that wait have found everything taken.
  void end_pops() {
    while (ended_ && !pops_.empty()) runtime_.complete(*pops_.pop_front(), 0);
  }

  void accept_push(Op& op) {
    const auto length = static_cast<std::int32_t>(op.limit);
    const Sga sga = runtime_.take(op);
    if (sga == 0) [[unlikely]]
      return runtime_.complete(op, -ENOBUFS);
    // Linked pops mean the queue is empty: hand it straight over.
    while (!pops_.empty()) {
      Op& pop = *pops_.pop_front();
      if (pop.limit != 0 && pop.limit < static_cast<std::uint32_t>(length)) [[unlikely]] {
        runtime_.complete(pop, -EMSGSIZE);
        continue;
      }
      runtime_.complete(op, length);
      runtime_.complete(pop, length, sga);
      return;
    }
    append(sga);
    runtime_.complete(op, length);
  }

  void deliver(Op& op) {
    const std::uint32_t length = runtime_.arena().total(fifo_[head_]);
    if (op.limit != 0 && op.limit < length) [[unlikely]]
      return runtime_.complete(op, -EMSGSIZE);
    runtime_.complete(op, static_cast<std::int32_t>(length), take_front());
  }

  // A ring that doubles up to the capacity, so an idle queue costs nothing.
  void append(Sga sga) {
    if (size_ == fifo_.size()) [[unlikely]]
      grow();
    fifo_[(head_ + size_++) & mask_] = sga;
  }

  void grow() {
    std::vector<Sga> bigger(std::max<std::size_t>(16, fifo_.size() * 2));
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = fifo_[(head_ + i) & mask_];
    fifo_.swap(bigger);
    mask_ = fifo_.size() - 1;
    head_ = 0;
  }

  Sga take_front() {
    const Sga sga = fifo_[head_];
    head_ = (head_ + 1) & mask_;
    --size_;
    return sga;
  }

  OpList pops_;
  OpList pushes_;
  std::vector<Sga> fifo_;
  std::size_t mask_ = 0;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
  std::uint32_t capacity_;
  bool ended_ = false;
};

}  // namespace demi
