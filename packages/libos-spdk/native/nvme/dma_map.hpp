// Where the device finds memory of this process: ranges of addresses, and the bus addresses of their pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace demi::spdk::nvme {

class DmaMap {
 public:
  static constexpr std::uint64_t kNowhere = ~0ull;
  // Physical memory is followed by huge pages of this size, or of a multiple.
  static constexpr unsigned kHugeBits = 21;

  // Memory whose bus addresses follow each other from `bus` on.
  void add(std::span<std::uint8_t> memory, std::uint64_t bus) { insert({begin_of(memory), end_of(memory), bus, {}}); }
  // Memory of huge pages, which lie anywhere: those that it touches, in order.
  void add(std::span<std::uint8_t> memory, std::vector<std::uint64_t> huge_pages) {
    insert({begin_of(memory), end_of(memory), 0, std::move(huge_pages)});
  }
  void remove(std::span<std::uint8_t> memory) {
    std::erase_if(ranges_, [&](const Range& range) { return range.begin == begin_of(memory); });
    last_ = 0;
  }

  // Of a byte, and of those behind it up to the end of its page of 4 KiB. kNowhere: the device does not reach it.
  std::uint64_t bus_address(const void* byte) const {
    const auto at = reinterpret_cast<std::uintptr_t>(byte);
    if (last_ < ranges_.size() && ranges_[last_].has(at)) return ranges_[last_].bus_of(at);
    const auto after = std::ranges::upper_bound(ranges_, at, {}, &Range::begin);
    if (after == ranges_.begin() || !std::prev(after)->has(at)) return kNowhere;
    last_ = static_cast<std::size_t>(std::prev(after) - ranges_.begin());
    return ranges_[last_].bus_of(at);
  }

 private:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
    std::uint64_t bus;
    std::vector<std::uint64_t> huge_pages;

    bool has(std::uintptr_t at) const { return at >= begin && at < end; }
    std::uint64_t bus_of(std::uintptr_t at) const {
      if (huge_pages.empty()) return bus + (at - begin);
      return huge_pages[(at >> kHugeBits) - (begin >> kHugeBits)] + (at & ((1u << kHugeBits) - 1));
    }
  };

  static std::uintptr_t begin_of(std::span<std::uint8_t> memory) {
    return reinterpret_cast<std::uintptr_t>(memory.data());
  }
  static std::uintptr_t end_of(std::span<std::uint8_t> memory) { return begin_of(memory) + memory.size(); }
  void insert(Range range) {
    const auto place = std::ranges::upper_bound(ranges_, range.begin, {}, &Range::begin);
    ranges_.insert(place, std::move(range));
    last_ = 0;
  }

  std::vector<Range> ranges_;     // by their beginnings
  mutable std::size_t last_ = 0;  // where the last one was found: the next is mostly there too
};

}  // namespace demi::spdk::nvme
