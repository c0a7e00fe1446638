// Arena slots offered to the kernel: a receive takes one only when bytes are there, so that a waiting socket costs no
// memory.
//
// Slots go out as the ring needs them and come back when nobody receives any more, so an idle libOS holds none.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "demi/arena.hpp"

namespace demi::posix {

class BufferRing {
 public:
  // `size_class` is what the slots are taken from, `group` the number requests name it by.
  BufferRing(io_uring& ring, Arena& arena, std::size_t size_class, std::uint16_t group);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // Registers it with the kernel. 0 or a negative errno.
  int open();

  std::uint16_t group() const { return group_; }
  std::uint32_t slot_bytes() const { return slot_bytes_; }
  // Slots with the kernel, or in completions not yet read.
  std::uint32_t posted() const { return posted_; }
  std::uint32_t capacity() const { return entries_; }

  // Sockets that receive from it, and their requests the kernel has not ended.
  std::uint32_t users = 0;
  std::uint32_t requests = 0;

  // Offers slots until there are enough for the users or the arena has no more.
  void replenish();
  // A completion brought this buffer: the slot is the caller's. 0 for an id that was not out.
  Sga take(std::uint32_t id);

 private:
  static constexpr std::uint32_t kMostEntries = 512;
  static constexpr std::uint32_t kFewest = 32;  // slots for a single socket that receives a lot

  void retract();

  io_uring& ring_;
  Arena& arena_;
  std::size_t size_class_;
  std::uint16_t group_;
  std::uint32_t slot_bytes_;
  std::uint32_t entries_;
  io_uring_buf_ring* buffers_ = nullptr;
  bool registered_ = false;
  std::uint32_t posted_ = 0;
  std::vector<Sga> slots_;  // by buffer id
  std::vector<std::uint16_t> free_ids_;
};

}  // namespace demi::posix
