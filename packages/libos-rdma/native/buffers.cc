#include "buffers.hpp"

namespace demi::rdma {

namespace {

bool take(std::vector<std::uint32_t>& from, std::uint32_t& n) {
  if (from.empty()) return false;
  n = from.back();
  from.pop_back();
  return true;
}

}  // namespace

DeviceSlots Buffers::slots(std::uint32_t receives, std::uint32_t bytes) {
  const std::size_t all = static_cast<std::size_t>(receives) * bytes;
  return {.count = receives,
          .capacity = bytes,
          .first = 0,
          .stride = bytes,
          .bytes = all + static_cast<std::size_t>(kSends) * kSendBytes};
}

Buffers::Buffers(Arena& arena, Region region, const DeviceSlots& slots)
    : arena_(arena),
      id_(region),
      slots_(slots),
      region_(arena.region(region)),
      send_region_(region_ + static_cast<std::size_t>(slots.count) * slots.stride) {
  receives_.reserve(slots.count);
  for (std::uint32_t n = slots.count; n-- > 0;) receives_.push_back(n);
  sends_.reserve(kSends);
  for (std::uint32_t n = kSends; n-- > 0;) sends_.push_back(n);
  arena.on_release(region, [this](std::uint32_t n) { give_receive(n); });
}

Buffers::~Buffers() {
  arena_.on_release(id_, [](std::uint32_t) {});
}

bool Buffers::take_receive(std::uint32_t& n) { return take(receives_, n); }
bool Buffers::take_send(std::uint32_t& n) { return take(sends_, n); }

}  // namespace demi::rdma
