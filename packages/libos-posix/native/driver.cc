#include "driver.hpp"

#include "demi/runtime.hpp"

namespace demi::posix {

Network::Network(Runtime& runtime) : runtime(runtime), classes(runtime.arena()), retries(runtime.arena()) {}

std::uint8_t* Network::spill() {
  if (!spill_) spill_ = std::make_unique<std::uint8_t[]>(SlotClasses::kDatagramBytes);
  return spill_.get();
}

}  // namespace demi::posix
