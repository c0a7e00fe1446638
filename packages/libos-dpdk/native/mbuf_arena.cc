#include "mbuf_arena.hpp"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include <algorithm>

namespace demi::dpdk {

namespace {

constexpr std::uint32_t kPrivateBytes = 64;  // keeps the data on a cache line
constexpr std::uint32_t kReceiveCache = 256;
// Addresses are the process's own (--iova-mode=va), so an mbuf may lie across a page boundary.
constexpr unsigned kFlags = RTE_MEMPOOL_F_NO_SPREAD | RTE_MEMPOOL_F_NO_IOVA_CONTIG;
constexpr std::size_t kPage = 4096;

static_assert(RTE_PKTMBUF_HEADROOM % layout::kSlotAlign == 0 && sizeof(rte_mbuf) % layout::kSlotAlign == 0);

// Kept from libOS to libOS; they follow each other, one at a time.
const rte_memzone* kept_zone = nullptr;

std::uint32_t element_bytes(std::uint32_t room) {
  return static_cast<std::uint32_t>(sizeof(rte_mbuf)) + kPrivateBytes + room;
}

}  // namespace

DeviceSlots receive_slots(std::uint32_t count, std::uint32_t frame_bytes) {
  const std::uint32_t align = layout::kSlotAlign;
  const std::uint32_t room = RTE_PKTMBUF_HEADROOM + std::max(2048u, (frame_bytes + align - 1) & ~(align - 1));
  rte_mempool_objsz size;
  rte_mempool_calc_obj_size(element_bytes(room), kFlags, &size);
  const std::size_t bytes = (static_cast<std::size_t>(size.total_size) * count + kPage - 1) & ~(kPage - 1);
  return {.count = count,
          .capacity = room,
          .first = size.header_size + static_cast<std::uint32_t>(sizeof(rte_mbuf)) + kPrivateBytes,
          .stride = size.total_size,
          .bytes = bytes};
}

std::shared_ptr<Mapping> eal_memory(std::size_t bytes) {
  if (kept_zone == nullptr || kept_zone->len < bytes) {
    // A smaller one of before is lost: ArrayBuffers may still lie over it.
    static unsigned made = 0;
    const std::string name = "demi_arena_" + std::to_string(made++);
    kept_zone = rte_memzone_reserve_aligned(name.c_str(), bytes, SOCKET_ID_ANY, 0, kPage);
    if (kept_zone == nullptr) return nullptr;
  }
  return std::make_shared<Mapping>(kept_zone->addr, bytes, [] {});
}

ReceivePool::ReceivePool(Arena& arena, Region region, const DeviceSlots& slots)
    : slots_(slots), id_(region), region_(arena.region(region)) {
  const std::uint32_t room = slots.capacity;
  pool_ = rte_mempool_create_empty("demi_receive", slots.count, element_bytes(room),
                                   std::min(kReceiveCache, slots.count / 2), sizeof(rte_pktmbuf_pool_private),
                                   SOCKET_ID_ANY, kFlags);
  if (pool_ == nullptr) {
    error_ = -rte_errno;
    return;
  }
  rte_pktmbuf_pool_private settings{};
  settings.mbuf_data_room_size = static_cast<std::uint16_t>(room);
  settings.mbuf_priv_size = kPrivateBytes;
  rte_pktmbuf_pool_init(pool_, &settings);
  const int populated = rte_mempool_populate_iova(pool_, reinterpret_cast<char*>(region_),
                                                  reinterpret_cast<rte_iova_t>(region_), slots.bytes, nullptr, nullptr);
  if (populated != static_cast<int>(slots.count)) {
    error_ = populated < 0 ? populated : -ENOMEM;
    return;
  }
  rte_mempool_obj_iter(pool_, rte_pktmbuf_init, nullptr);
}

ReceivePool::~ReceivePool() { rte_mempool_free(pool_); }

std::uint32_t ReceivePool::available() const { return rte_mempool_avail_count(pool_); }

rte_mbuf* ReceivePool::mbuf(std::uint32_t n) const {
  return reinterpret_cast<rte_mbuf*>(region_ + slots_.first - kPrivateBytes - sizeof(rte_mbuf) +
                                     static_cast<std::size_t>(n) * slots_.stride);
}

std::uint32_t ReceivePool::slot(const rte_mbuf* mbuf) const {
  const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(mbuf) - region_);
  return static_cast<std::uint32_t>(offset / slots_.stride);
}

}  // namespace demi::dpdk
