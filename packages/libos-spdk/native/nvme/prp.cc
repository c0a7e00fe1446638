#include "prp.hpp"

#include <algorithm>

namespace demi::spdk::nvme {

Prp name_pages(std::span<const iovec> pieces, Place& place, std::uint32_t most, const DmaMap& map,
               const PrpList& list) {
  Prp prp;
  std::uint32_t entries = 0;
  while (place.piece < pieces.size() && prp.bytes < most && entries <= kListEntries) {
    const iovec& piece = pieces[place.piece];
    const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base) + place.offset;
    const auto within = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(from) % kPage);
    if (entries != 0 && within != 0) break;
    const std::uint64_t bus = map.bus_address(from);
    if (bus == DmaMap::kNowhere) return {};
    const auto taken = static_cast<std::uint32_t>(
        std::min<std::size_t>({piece.iov_len - place.offset, kPage - within, most - prp.bytes}));
    if (entries == 0) {
      prp.first = bus;
    } else {
      list.entries[entries - 1] = bus;
    }
    ++entries;
    prp.bytes += taken;
    place.offset += taken;
    if (place.offset == piece.iov_len) place = {place.piece + 1, 0};
    if (within + taken != kPage) break;
  }
  if (entries == 2) prp.second = list.entries[0];
  if (entries > 2) prp.second = list.bus;
  return prp;
}

}  // namespace demi::spdk::nvme
