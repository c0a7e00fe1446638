// The in-memory backend: queues without a device. What core itself ships, and what the boundary is measured on.
#include "demi/addon.hpp"

namespace {

class MemoryEngine final : public demi::Engine {
 public:
  const char* name() const override { return "memory"; }
  // Memory queues complete when they are submitted: there is nothing to drive and nothing to wait for.
  void poll() override {}
  bool wait(std::uint32_t) override { return true; }
  // Only submissions make work, and they come from the thread that would sleep.
  int prepare_sleep() override { return -1; }
};

class Memory final : public demi::Device {
 public:
  std::unique_ptr<demi::Engine> start(demi::Runtime&, demi::Failure&) override {
    return std::make_unique<MemoryEngine>();
  }
};

std::unique_ptr<demi::Device> open(const demi::Config&, demi::Failure&) { return std::make_unique<Memory>(); }

}  // namespace

DEMI_ADDON(demi_memory, open)
