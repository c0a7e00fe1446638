#include "driver.hpp"

namespace demi::posix {

Network::Network(Runtime& runtime) : StreamContext(runtime), classes(runtime.arena()) {}

std::uint8_t* Network::spill() {
  if (!spill_) spill_ = std::make_unique<std::uint8_t[]>(SlotClasses::kDatagramBytes);
  return spill_.get();
}

}  // namespace demi::posix
