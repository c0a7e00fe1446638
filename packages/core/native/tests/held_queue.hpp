// A queue whose operations stay with "the device" until the test ends them: what io_uring or a NIC does, in slow motion.
#pragma once

#include "demi/runtime.hpp"

namespace demi::test {

class HeldQueue final : public Queue {
 public:
  explicit HeldQueue(Runtime& runtime) : Queue(runtime) {}
  void push(Op& op) override { begin(op); }
  void pop(Op& op) override { begin(op); }
  void accept(Op& op) override { begin(op); }
  void connect(Op& op, const Address&) override { begin(op); }
  bool cancel(Op& op) override {
    if (!recallable) return false;
    held.remove(op);
    return true;
  }
  void close(std::unique_ptr<Queue>) override { runtime_.fail_all(held, -ECANCELED); }

  // The device is done with the oldest.
  void finish(std::int32_t result, std::int32_t value = 0) { runtime_.complete(*held.pop_front(), result, value); }

  OpList held;
  bool recallable = true;

 private:
  void begin(Op& op) { held.push_back(op); }
};

// Adds one to the runtime; it lives until its descriptor is closed.
inline HeldQueue& add_held_queue(Runtime& runtime) {
  auto queue = std::make_unique<HeldQueue>(runtime);
  HeldQueue& held = *queue;
  runtime.adopt(std::move(queue));
  return held;
}

}  // namespace demi::test
