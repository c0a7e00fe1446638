#include "block_cache.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace demi::script {

BlockCache::~BlockCache() {
  for (Free*& first : free_) {
    while (first != nullptr) {
      Free* const next = first->next;
      std::free(first);
      first = next;
    }
  }
}

void* BlockCache::take(std::size_t size) {
  if (size > LARGEST) return std::malloc(size);
  const std::size_t steps = class_of(size);
  Free* const found = free_[steps];
  if (found == nullptr) return std::malloc(steps * STEP);
  free_[steps] = found->next;
  kept_ -= steps * STEP;
  return found;
}

void BlockCache::release(void* data, std::size_t had) {
  const std::size_t steps = class_of(had);
  if (data == nullptr || had > LARGEST || kept_ + steps * STEP > MOST) return std::free(data);
  free_[steps] = new (data) Free{free_[steps]};
  kept_ += steps * STEP;
}

void* BlockCache::resize(void* data, std::size_t had, std::size_t wanted) {
  if (data == nullptr) return take(wanted);
  if (had > LARGEST && wanted > LARGEST) return std::realloc(data, wanted);
  if (had <= LARGEST && wanted <= LARGEST && class_of(had) == class_of(wanted)) return data;
  void* const given = take(wanted);
  // Lua holds that a block can always become smaller.
  if (given == nullptr) return wanted <= had ? data : nullptr;
  std::memcpy(given, data, had < wanted ? had : wanted);
  release(data, had);
  return given;
}

}  // namespace demi::script
