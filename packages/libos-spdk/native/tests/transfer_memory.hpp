// Memory for transfers that outlives the simulated devices: mapping it and touching it first costs more than most of a story.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>

#include "demi/poison.hpp"

namespace demi::spdk::test {

class TransferMemory {
 public:
  static TransferMemory& of_all() {
    static TransferMemory memory;
    return memory;
  }
  ~TransferMemory() {
    for (const auto& [bytes, memory] : free_) {
      DEMI_UNPOISON(memory, bytes);
      ::munmap(memory, bytes);
    }
  }

  std::uint8_t* take(std::size_t bytes) {
    const auto fits = free_.lower_bound(bytes);
    if (fits == free_.end()) {
      void* const memory =
          ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) return nullptr;
      sizes_[static_cast<std::uint8_t*>(memory)] = bytes;
      return static_cast<std::uint8_t*>(memory);
    }
    std::uint8_t* const memory = fits->second;
    free_.erase(fits);
    DEMI_UNPOISON(memory, bytes);
    return memory;
  }
  void give_back(std::uint8_t* memory) {
    const std::size_t bytes = sizes_.at(memory);
    DEMI_POISON(memory, bytes);
    free_.emplace(bytes, memory);
  }

 private:
  std::multimap<std::size_t, std::uint8_t*> free_;
  std::map<std::uint8_t*, std::size_t> sizes_;  // as they were mapped
};

}  // namespace demi::spdk::test
