// Which arena slots a socket receives into.
#pragma once

#include <cstdint>

#include "demi/arena.hpp"

namespace demi::posix {

class SlotClasses {
 public:
  // What a pop without a limit takes from a stream, and what holds any datagram.
  static constexpr std::uint32_t kStreamBytes = 4096;
  static constexpr std::uint32_t kDatagramBytes = 65536;

  explicit SlotClasses(const Arena& arena)
      : arena_(arena), stream_(holding(kStreamBytes)), datagram_(holding(kDatagramBytes)) {}

  std::size_t stream() const { return stream_; }
  std::size_t datagram() const { return datagram_; }

  // The smallest class with slots of at least `bytes`, or the largest there is.
  std::size_t holding(std::uint32_t bytes) const {
    std::size_t i = 0;
    while (i + 1 < arena_.class_count() && arena_.size_class(i).size < bytes) ++i;
    return i;
  }

  // The class for a stream pop of up to `limit` bytes, 0 for no limit.
  std::size_t for_limit(std::uint32_t limit) const { return limit == 0 ? stream_ : holding(limit); }

  // A slot of `size_class`, or of the next smaller one that has any: a short read is better than none, and the large
  // slots stay for those who asked for them. 0 when all are taken.
  Sga alloc_down_from(Arena& arena, std::size_t size_class) const {
    for (std::size_t i = size_class + 1; i-- > 0;) {
      if (const Sga sga = arena.alloc_class(i); sga != 0) return sga;
    }
    return 0;
  }

 private:
  const Arena& arena_;
  std::size_t stream_;
  std::size_t datagram_;
};

}  // namespace demi::posix
