// Memory for transfers: whole pages, so that every device can reach it.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace demi::spdk {

class Blocks {
 public:
  Blocks() = default;
  // Throws std::bad_alloc. Pages are there when they are first written.
  explicit Blocks(std::size_t bytes) : bytes_(bytes) {
    memory_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Blocks() { release(); }
  Blocks(Blocks&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Blocks& operator=(Blocks&& other) noexcept {
    if (this != &other) {
      release();
      memory_ = std::exchange(other.memory_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }

  std::uint8_t* data() const { return static_cast<std::uint8_t*>(memory_); }
  std::size_t size() const { return bytes_; }
  std::span<std::uint8_t> span() const { return {data(), bytes_}; }

 private:
  void release() {
    if (bytes_ != 0) ::munmap(memory_, bytes_);
    bytes_ = 0;
  }

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace demi::spdk
