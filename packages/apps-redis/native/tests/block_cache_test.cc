#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "block_cache.hpp"

namespace block_cache_test {

using demi::script::BlockCache;

TEST_CASE("a block that was given back is given again to who wants one of its size") {
  BlockCache cache;
  void* const first = cache.resize(nullptr, 0, 33);
  cache.release(first, 33);
  CHECK(cache.kept() == 48);
  void* const other = cache.resize(nullptr, 0, 49);
  CHECK(other != first);
  CHECK(cache.resize(nullptr, 0, 48) == first);
  CHECK(cache.kept() == 0);
  cache.release(first, 48);
  cache.release(other, 49);
}

TEST_CASE("what is in a block stays in it as it grows and shrinks over all sizes") {
  BlockCache cache;
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size <= 2 * BlockCache::LARGEST; ++size) sizes.push_back(size);
  for (std::size_t size = 2 * BlockCache::LARGEST; size > 0; size -= size > 7 ? 7 : 1) sizes.push_back(size);
  sizes.push_back(BlockCache::LARGEST + 1);
  sizes.push_back(BlockCache::LARGEST);
  std::size_t had = 0, whole = 0;
  unsigned char* data = nullptr;
  for (const std::size_t size : sizes) {
    data = static_cast<unsigned char*>(cache.resize(data, had, size));
    REQUIRE(data != nullptr);
    const std::size_t still = had < size ? had : size;
    for (std::size_t i = 0; i < still; ++i) whole += data[i] == i % 251 ? 0 : 1;
    for (std::size_t i = still; i < size; ++i) data[i] = static_cast<unsigned char>(i % 251);
    had = size;
  }
  CHECK(whole == 0);
  cache.release(data, had);
}

TEST_CASE("no more is kept than the limit, and nothing that is large") {
  BlockCache cache;
  std::vector<void*> all;
  for (std::size_t i = 0; i < 2 * BlockCache::MOST / 64; ++i) all.push_back(cache.resize(nullptr, 0, 64));
  for (void* one : all) cache.release(one, 64);
  CHECK(cache.kept() == BlockCache::MOST);
  void* const large = cache.resize(nullptr, 0, BlockCache::LARGEST + 1);
  cache.release(large, BlockCache::LARGEST + 1);
  CHECK(cache.kept() == BlockCache::MOST);
}

}  // namespace block_cache_test
