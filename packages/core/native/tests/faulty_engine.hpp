// A device for simulations: an engine whose queues give back what they took, when and how it likes. It is late, fails, completes operations
// of different queues in any order, and lets go of memory after a queue was closed. All of it comes from one seed.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "demi/runtime.hpp"
#include "seed.hpp"

namespace demi::test {

class FaultyEngine;

// Messages pushed come back to pops, in order; each push may fail instead.
class FaultyQueue final : public Queue {
 public:
  FaultyQueue(Runtime& runtime, FaultyEngine& engine);
  ~FaultyQueue() override;
  FaultyQueue(const FaultyQueue&) = delete;
  FaultyQueue& operator=(const FaultyQueue&) = delete;

  void push(Op& op) override { pushes_.push_back(op); }
  void pop(Op& op) override { pops_.push_back(op); }
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;

  // One step of the device's. False once it has let go of a queue that was closed.
  bool step();
  bool work() const { return !pushes_.empty() || (!pops_.empty() && !taken_.empty()); }

 private:
  void write_front();
  void read_front();

  FaultyEngine& engine_;
  OpList pushes_;
  OpList pops_;
  std::deque<Sga> taken_;
  Sga reading_ = 0;  // what the device still reads of a queue that was closed
  bool closed_ = false;
};

class FaultyEngine final : public Engine {
 public:
  struct Faults {
    std::uint32_t fail_one_in = 8;
    std::uint32_t late_one_in = 3;  // steps that do nothing
    bool has_descriptor = true;
    bool waits = false;  // for its device itself, when it is alone
  };

  FaultyEngine(Runtime& runtime, Random& random, std::uint8_t provides, Faults faults)
      : runtime(runtime), random(random), faults(faults), provides_(provides) {
    if (faults.has_descriptor) fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  ~FaultyEngine() override {
    leaving_.clear();
    if (fd_ >= 0) ::close(fd_);
  }

  const char* name() const override { return "faulty"; }
  std::uint8_t provides() const override { return provides_; }
  std::unique_ptr<Queue> socket(const SocketRequest&, int& error) override { return make(error); }
  std::unique_ptr<Queue> open(const FileRequest&, int& error) override { return make(error); }
  bool map(std::span<std::uint8_t> memory, Failure&) override {
    mapped = memory;
    return true;
  }

  void poll() override {
    ++polls;
    if (fd_ >= 0) {
      eventfd_t ignored;
      ::eventfd_read(fd_, &ignored);
    }
    // Queues in any order, each as often as it likes.
    for (std::size_t n = queues.size(); n != 0; --n) {
      if (!random.one_in(faults.late_one_in)) queues[random.below(static_cast<std::uint32_t>(queues.size()))]->step();
    }
    std::erase_if(leaving_, [](const auto& queue) { return !static_cast<FaultyQueue&>(*queue).step(); });
    if (work() && fd_ >= 0) ::eventfd_write(fd_, 1);
  }
  bool wait(std::uint32_t) override {
    if (faults.waits) poll();
    return faults.waits;
  }
  void transmit() override { ++transmits; }
  int sleep_fd() override { return fd_; }
  int prepare_sleep() override {
    ++asleep;
    if (random.one_in(4)) return 0;
    if (work()) return 1;
    return random.one_in(2) ? -1 : 1;
  }
  void end_sleep() override {
    if (asleep == 0) ++unpaired;
    --asleep;
  }
  void stats(const StatSink& sink) const override { sink("leaving", static_cast<double>(leaving_.size())); }

  void leave(std::unique_ptr<Queue> queue) { leaving_.push_back(std::move(queue)); }
  bool work() const {
    return !leaving_.empty() || std::any_of(queues.begin(), queues.end(), [](const auto* q) { return q->work(); });
  }

  Runtime& runtime;
  Random& random;
  Faults faults;
  std::vector<FaultyQueue*> queues;
  std::span<std::uint8_t> mapped;
  int asleep = 0;    // prepare_sleep() that no end_sleep() has followed
  int unpaired = 0;  // end_sleep() without a prepare_sleep()
  std::uint64_t polls = 0;
  std::uint64_t transmits = 0;

 private:
  std::unique_ptr<Queue> make(int& error) {
    error = -EIO;
    return random.one_in(16) ? nullptr : std::make_unique<FaultyQueue>(runtime, *this);
  }

  std::uint8_t provides_;
  int fd_ = -1;
  std::vector<std::unique_ptr<Queue>> leaving_;
};

inline FaultyQueue::FaultyQueue(Runtime& runtime, FaultyEngine& engine) : Queue(runtime), engine_(engine) {
  engine_.queues.push_back(this);
}

inline FaultyQueue::~FaultyQueue() {
  std::erase(engine_.queues, this);
  for (const Sga sga : taken_) runtime_.arena().free(sga);
  if (reading_ != 0) runtime_.arena().unpin(reading_);
}

inline bool FaultyQueue::cancel(Op& op) {
  if (op.started || engine_.random.one_in(4)) {
    op.started = true;  // the device has it: it completes by itself
    return false;
  }
  (op.code == layout::kOpPush ? pushes_ : pops_).remove(op);
  return true;
}

inline void FaultyQueue::close(std::unique_ptr<Queue> self) {
  closed_ = true;
  std::erase(engine_.queues, this);
  // What the device reads just now stays where it is until it lets go.
  if (Op* op = pushes_.front(); op != nullptr && engine_.random.one_in(2)) {
    reading_ = op->sga;
    runtime_.arena().pin(reading_);
  }
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  if (reading_ != 0) engine_.leave(std::move(self));
}

inline bool FaultyQueue::step() {
  if (closed_) return !engine_.random.one_in(3);
  if (engine_.random.one_in(2)) write_front();
  if (engine_.random.one_in(2)) read_front();
  return true;
}

inline void FaultyQueue::write_front() {
  Op* op = pushes_.front();
  if (op == nullptr) return;
  const auto length = static_cast<std::int32_t>(op->limit);
  if (engine_.random.one_in(engine_.faults.fail_one_in)) return runtime_.complete(*pushes_.pop_front(), -EIO);
  const Sga sga = runtime_.take(*op);
  if (sga == 0) return;  // memory is short: later
  taken_.push_back(sga);
  runtime_.complete(*pushes_.pop_front(), length);
}

inline void FaultyQueue::read_front() {
  if (pops_.empty()) return;
  if (engine_.random.one_in(engine_.faults.fail_one_in)) return runtime_.complete(*pops_.pop_front(), -EIO);
  if (taken_.empty()) return;
  const Sga sga = taken_.front();
  taken_.pop_front();
  runtime_.complete(*pops_.pop_front(), static_cast<std::int32_t>(runtime_.arena().total(sga)), sga);
}

}  // namespace demi::test
