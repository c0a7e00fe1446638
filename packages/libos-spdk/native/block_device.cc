#include "block_device.hpp"

#include <sys/mman.h>

namespace demi::spdk {

// The kernel moves transfers from and to any memory. Pages are there when they are first written.
std::uint8_t* BlockDevice::allocate(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(memory);
}

void BlockDevice::release(std::uint8_t* memory, std::size_t bytes) { ::munmap(memory, bytes); }

}  // namespace demi::spdk
