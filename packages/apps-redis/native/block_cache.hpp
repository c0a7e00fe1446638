// Small blocks that an interpreter has given back and will soon want again. Scripts make texts and tables by the dozen and let them go together, which
// is more than what the C library has at hand for each size.
#pragma once

#include <cstddef>

namespace demi::script {

class BlockCache {
 public:
  // Larger blocks are the C library's alone.
  static constexpr std::size_t LARGEST = 512;
  // Bytes that are kept at most.
  static constexpr std::size_t MOST = 256 * 1024;

  BlockCache() = default;
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // As realloc: a block of `wanted` bytes in the place of `data`, of `had`; nullptr: there is no memory for more, and what was there stays.
  void* resize(void* data, std::size_t had, std::size_t wanted);
  void release(void* data, std::size_t had);

  std::size_t kept() const { return kept_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t STEP = 16;
  static constexpr std::size_t class_of(std::size_t size) { return (size + STEP - 1) / STEP; }

  void* take(std::size_t size);

  // By their sizes in steps.
  Free* free_[LARGEST / STEP + 1] = {};
  std::size_t kept_ = 0;
};

}  // namespace demi::script
