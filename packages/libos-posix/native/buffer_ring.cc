#include "buffer_ring.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

namespace demi::posix {

// A quarter of the class at most: the rest is for the application and for what waits to be popped.
BufferRing::BufferRing(io_uring& ring, Arena& arena, std::size_t size_class, std::uint16_t group)
    : ring_(ring),
      arena_(arena),
      size_class_(size_class),
      group_(group),
      slot_bytes_(arena.size_class(size_class).size),
      entries_(std::bit_floor(std::clamp<std::uint32_t>(arena.size_class(size_class).count / 4, 1, kMostEntries))) {
  slots_.resize(entries_);
  for (std::uint32_t id = entries_; id-- > 0;) free_ids_.push_back(static_cast<std::uint16_t>(id));
}

BufferRing::~BufferRing() {
  if (registered_) io_uring_unregister_buf_ring(&ring_, group_);
  for (const Sga sga : slots_) {
    if (sga != 0) arena_.free(sga);
  }
  if (buffers_ != nullptr) ::munmap(buffers_, entries_ * sizeof(io_uring_buf));
}

int BufferRing::open() {
  void* p =
      ::mmap(nullptr, entries_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return -errno;
  buffers_ = static_cast<io_uring_buf_ring*>(p);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(buffers_);
  registration.ring_entries = entries_;
  registration.bgid = group_;
  const int error = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (error != 0) return error;
  io_uring_buf_ring_init(buffers_);
  registered_ = true;
  return 0;
}

void BufferRing::replenish() {
  if (users == 0) {
    if (requests == 0 && posted_ != 0) retract();
    return;
  }
  const std::uint32_t wanted = std::min(entries_, std::max(kFewest, 2 * users));
  if (posted_ >= wanted) return;
  int added = 0;
  while (posted_ < wanted) {
    const Sga sga = arena_.alloc_class(size_class_);
    if (sga == 0) break;
    const std::uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    slots_[id] = sga;
    io_uring_buf_ring_add(buffers_, arena_.slot_start(sga), slot_bytes_, id, static_cast<int>(entries_ - 1), added++);
    ++posted_;
  }
  io_uring_buf_ring_advance(buffers_, added);
}

Sga BufferRing::take(std::uint32_t id) {
  if (id >= entries_ || slots_[id] == 0) return 0;
  --posted_;
  free_ids_.push_back(static_cast<std::uint16_t>(id));
  return std::exchange(slots_[id], 0);
}

// No request is left that could take a buffer, so those between the kernel's head and our tail can be taken back.
void BufferRing::retract() {
  io_uring_buf_ring_advance(buffers_, -static_cast<int>(posted_));
  for (std::uint32_t id = 0; id < entries_; ++id) {
    if (slots_[id] != 0) arena_.free(take(id));
  }
}

}  // namespace demi::posix
