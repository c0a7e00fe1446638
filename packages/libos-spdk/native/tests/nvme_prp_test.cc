#include "../nvme/prp.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace demi::spdk::nvme {

namespace {

// Bus addresses are these of the process, and something: so that neither is taken for the other.
constexpr std::uint64_t kBusOffset = 0x1000'0000'0000;
constexpr std::size_t kMemoryBytes = 8u << 20;

struct Memory {
  Memory()
      : bytes(static_cast<std::uint8_t*>(std::aligned_alloc(1u << 21, kMemoryBytes))), span(bytes.get(), kMemoryBytes) {
    std::iota(reinterpret_cast<std::uint32_t*>(span.data()),
              reinterpret_cast<std::uint32_t*>(span.data() + span.size()), 0u);
  }
  struct Free {
    void operator()(std::uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::uint8_t, Free> bytes;
  std::span<std::uint8_t> span;
};

// What a controller finds by the entries, as Base 4.1.1 tells it to walk them.
void walk(const Prp& prp, const PrpList& list, std::vector<std::uint8_t>& out) {
  std::uint32_t left = prp.bytes;
  const auto take = [&](std::uint64_t entry) {
    const auto bytes = std::min<std::uint32_t>(left, kPage - static_cast<std::uint32_t>(entry % kPage));
    const auto* const from = reinterpret_cast<const std::uint8_t*>(entry - kBusOffset);
    out.insert(out.end(), from, from + bytes);
    left -= bytes;
  };
  take(prp.first);
  if (left == 0) return;
  if (left <= kPage) {
    CHECK(prp.second % kPage == 0);
    return take(prp.second);
  }
  REQUIRE(prp.second == list.bus);
  for (std::size_t i = 0; left != 0; ++i) {
    REQUIRE(i < kListEntries);
    CHECK(list.entries[i] % kPage == 0);
    take(list.entries[i]);
  }
}

}  // namespace

TEST_CASE("nvme: a transfer's commands name all of its bytes, in order, and nothing else") {
  const auto seed = std::getenv("DEMI_SEED") != nullptr ? std::strtoull(std::getenv("DEMI_SEED"), nullptr, 10)
                                                        : std::random_device()();
  MESSAGE("DEMI_SEED=", seed);
  std::mt19937_64 random(seed);
  Memory memory;
  DmaMap map;
  map.add(memory.span, reinterpret_cast<std::uintptr_t>(memory.span.data()) + kBusOffset);
  alignas(kPage) std::uint64_t entries[kListEntries];
  const PrpList list{entries, 0xabc000};
  for (int round = 0; round < 150; ++round) {
    const std::uint32_t block = random() % 2 == 0 ? 512 : 4096;
    const std::uint32_t most = block * static_cast<std::uint32_t>(1 + random() % 600);
    std::vector<iovec> pieces(1 + random() % 8);
    std::vector<std::uint8_t> wanted;
    for (iovec& piece : pieces) {
      const std::size_t bytes = block * (1 + random() % (random() % 4 == 0 ? 700 : 20));
      const std::size_t from = random() % ((kMemoryBytes - bytes) / block) * block;
      piece = {memory.span.data() + from, bytes};
      wanted.insert(wanted.end(), memory.span.data() + from, memory.span.data() + from + bytes);
    }
    std::vector<std::uint8_t> found;
    for (Place place; place.piece < pieces.size();) {
      const Prp prp = name_pages(pieces, place, most, map, list);
      REQUIRE(prp.bytes != 0);
      CHECK(prp.bytes % block == 0);
      CHECK(prp.bytes <= most);
      walk(prp, list, found);
    }
    CHECK(found == wanted);
  }
}

TEST_CASE("nvme: memory that the device does not reach is named by no command") {
  Memory memory;
  DmaMap map;
  map.add(memory.span.first(kPage), 0x10000);
  std::uint64_t entries[kListEntries];
  const iovec within{memory.span.data(), kPage};
  const iovec beyond{memory.span.data(), 2 * kPage};
  Place place;
  CHECK(name_pages({&within, 1}, place, 1u << 20, map, {entries, 0}).bytes == kPage);
  place = {};
  CHECK(name_pages({&beyond, 1}, place, 1u << 20, map, {entries, 0}).bytes == 0);
  map.remove(memory.span.first(kPage));
  place = {};
  CHECK(name_pages({&within, 1}, place, 1u << 20, map, {entries, 0}).bytes == 0);
}

TEST_CASE("nvme: huge pages lie anywhere") {
  Memory memory;
  DmaMap map;
  // From the middle of the first to the middle of the third.
  const std::span<std::uint8_t> span = memory.span.subspan(1u << 20, 4u << 20);
  map.add(span, {0x8000'0000, 0x1000'0000, 0x4000'0000});
  CHECK(map.bus_address(span.data()) == 0x8010'0000);
  CHECK(map.bus_address(span.data() + (1u << 20) + 5) == 0x1000'0005);
  CHECK(map.bus_address(span.data() + (3u << 20)) == 0x4000'0000);
  CHECK(map.bus_address(span.data() - 1) == DmaMap::kNowhere);
  CHECK(map.bus_address(span.data() + span.size()) == DmaMap::kNowhere);
}

}  // namespace demi::spdk::nvme
