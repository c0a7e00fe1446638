// The in-memory backend: queues without a device. What core itself ships, and what the boundary is measured on.
#include "demi/addon.hpp"

namespace {

class MemoryEngine final : public demi::Engine {
 public:
  explicit MemoryEngine(demi::Runtime&) {}
  const char* name() const override { return "memory"; }
  // Memory queues complete when they are submitted: there is nothing to drive and nothing to wait for.
  void poll() override {}
  bool wait(std::uint32_t) override { return true; }
  // Only submissions make work, and they come from the thread that would sleep.
  int prepare_sleep() override { return -1; }
};

}  // namespace

DEMI_ADDON(demi_memory, demi::addon::no_device<MemoryEngine>)
