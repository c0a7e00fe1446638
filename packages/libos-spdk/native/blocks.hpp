// Memory for a device's transfers: whole pages that it can reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "block_device.hpp"

namespace demi::spdk {

class Blocks {
 public:
  Blocks() = default;
  // Empty where the device has no memory. The device must outlive it.
  Blocks(BlockDevice& device, std::size_t bytes) : device_(&device), memory_(device.allocate(bytes)) {
    bytes_ = memory_ == nullptr ? 0 : bytes;
  }
  ~Blocks() {
    if (bytes_ != 0) device_->release(memory_, bytes_);
  }
  Blocks(Blocks&& other) noexcept { swap(other); }
  Blocks& operator=(Blocks&& other) noexcept {
    swap(other);
    return *this;
  }

  bool empty() const { return bytes_ == 0; }
  std::uint8_t* data() const { return memory_; }
  std::size_t size() const { return bytes_; }
  std::span<std::uint8_t> span() const { return {memory_, bytes_}; }

 private:
  void swap(Blocks& other) {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
  }

  BlockDevice* device_ = nullptr;
  std::uint8_t* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace demi::spdk
