// The in-memory backend: queues without a device. What core itself ships, and what the boundary is measured on.
#include "demi/addon.hpp"

namespace {

class MemoryEngine final : public demi::Engine {
 public:
  const char* name() const override { return "memory"; }
  // Memory queues complete when they are submitted: there is nothing to drive and nothing to wait for.
  void poll(std::uint32_t) override {}
  // Only submissions make work, and they come from the thread that would sleep.
  int prepare_sleep() override { return -1; }
};

std::unique_ptr<demi::Engine> make(demi::Runtime&, const demi::Config&, std::string&, int&) {
  return std::make_unique<MemoryEngine>();
}

}  // namespace

DEMI_ADDON(demi_memory, make)
