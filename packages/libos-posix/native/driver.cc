#include "driver.hpp"

namespace demi::posix {

Context::Context(Runtime& runtime) : StreamContext(runtime), classes(runtime.arena()) {}

std::uint8_t* Context::spill() {
  if (!spill_) spill_ = std::make_unique<std::uint8_t[]>(SlotClasses::kDatagramBytes);
  return spill_.get();
}

}  // namespace demi::posix
