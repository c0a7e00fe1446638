// Bus addresses behind an IOMMU: handed out to mappings, from the ranges that the IOMMU has.
#pragma once

#include <cstdint>
#include <vector>

namespace demi::spdk::nvme {

class IovaSpace {
 public:
  static constexpr std::uint64_t kNone = ~0ull;
  // As huge pages: an IOMMU then needs few entries for an arena.
  static constexpr std::uint64_t kAlign = 2u << 20;

  // Addresses from `first` to `last`, both of them.
  void add(std::uint64_t first, std::uint64_t last) { ranges_.push_back({first, last}); }

  // Room for `bytes`; kNone if there is none. Addresses are not used twice before all were used: a stray transfer meets nobody.
  std::uint64_t take(std::uint64_t bytes) {
    const std::uint64_t wanted = round_up(bytes);
    for (int round = 0; round < 2; ++round) {
      for (const Range& range : ranges_) {
        std::uint64_t at = round_up(round == 0 && next_ > range.first ? next_ : range.first);
        // Address 0 means "none" to too many.
        if (at == 0) at = kAlign;
        for (const Range& used : used_) {
          if (at <= used.last && used.first < at + wanted) at = used.last + 1;
        }
        if (at < range.first || at + wanted - 1 > range.last || at + wanted < at) continue;
        insert({at, at + wanted - 1});
        next_ = at + wanted;
        return at;
      }
    }
    return kNone;
  }
  void give_back(std::uint64_t at) {
    std::erase_if(used_, [&](const Range& used) { return used.first == at; });
  }

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };
  static std::uint64_t round_up(std::uint64_t n) { return (n + kAlign - 1) & ~(kAlign - 1); }
  void insert(Range range) {
    auto place = used_.begin();
    while (place != used_.end() && place->first < range.first) ++place;
    used_.insert(place, range);
  }

  std::vector<Range> ranges_;
  std::vector<Range> used_;  // by their beginnings
  std::uint64_t next_ = 0;
};

}  // namespace demi::spdk::nvme
