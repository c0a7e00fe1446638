#include "low_base.hpp"

#include <algorithm>
#include <cstdlib>
#include <istream>
#include <string>

namespace demi::dpdk {

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;
// Where gaps are looked for: from where DPDK would begin itself, to what the narrowest IOMMUs in use (39 bits) can address.
constexpr std::uint64_t kLowest = 4 * kGiB;
constexpr std::uint64_t kHighest = 512 * kGiB;

}  // namespace

std::uint64_t low_base(std::istream& maps) {
  std::uint64_t base = 0;
  std::uint64_t largest = 0;
  std::uint64_t end = kLowest;  // of the mappings so far
  const auto gap = [&](std::uint64_t next) {
    // Room below for EAL's own configuration, which it puts before its memory.
    const std::uint64_t first = (end + kGiB) / kGiB * kGiB;
    if (next > first && next - first > largest) {
      base = first;
      largest = next - first;
    }
  };
  for (std::string line; std::getline(maps, line);) {
    char* dash = nullptr;
    const std::uint64_t from = std::strtoull(line.c_str(), &dash, 16);
    if (*dash != '-') continue;
    const std::uint64_t to = std::strtoull(dash + 1, nullptr, 16);
    if (from >= kHighest) break;
    gap(from);
    end = std::max(end, to);
  }
  gap(kHighest);
  return base;
}

}  // namespace demi::dpdk
