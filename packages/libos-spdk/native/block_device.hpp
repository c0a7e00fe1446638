// What a log is kept on: an array of blocks that are read and written whole, by transfers that complete later and in any order.
//
// The rules of a device (NVM Express Base Specification 2.0, sections 5.27 and 3.1, and open(2) with O_DIRECT say the same):
// - A write is durable once a flush that was submitted after the write's completion has completed, or at once if it was asked to be.
// - Before that, any part of it may be lost by a crash, in units of a block: each is as it was before, or as it was to be.
// - Transfers that are under way at the same time have no order.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "demi/engine.hpp"
#include "demi/failure.hpp"

namespace demi::spdk {

struct Geometry {
  std::uint32_t block_bytes = 0;  // 512 or 4096
  std::uint64_t blocks = 0;
  // Pieces of a transfer start at a multiple of this, and have a length that is a multiple of block_bytes.
  std::uint32_t alignment = 0;
  std::uint32_t most_transfer_bytes = 0;
  std::uint32_t most_pieces = 0;
};

// One read, write or flush. Its owner keeps it, its pieces and their memory until `done` was called.
struct Transfer {
  enum class Kind : std::uint8_t { kRead, kWrite, kFlush };
  Kind kind = Kind::kRead;
  bool durable = false;  // of a write: complete only when it is on the device to stay
  std::uint64_t block = 0;
  std::span<const iovec> pieces;
  std::int32_t result = 0;  // 0 or a negative errno: all of it, or, as far as anybody knows, nothing
  void (*done)(Transfer&) = nullptr;
  void* owner = nullptr;
  // The device's:
  Transfer* next = nullptr;
  std::uint32_t parts = 0;  // that are under way

  std::uint64_t bytes() const {
    std::uint64_t total = 0;
    for (const iovec& piece : pieces) total += piece.iov_len;
    return total;
  }
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;

  virtual const char* name() const = 0;  // "io_uring", "nvme"
  virtual const Geometry& geometry() const = 0;
  // Any number: what the device has no room for yet it keeps, oldest first. `done` is called from poll() and wait() only.
  virtual void submit(Transfer& transfer) = 0;
  // Completes what has finished: calls their `done`, from which others may be submitted. Never waits.
  virtual void poll() = 0;
  // As poll(), and waits up to `us` microseconds while nothing has finished.
  virtual void wait(std::uint32_t us) = 0;

  // Memory for transfers beside what is mapped: whole pages, with anything in them, released while the device lives. nullptr: there is none.
  virtual std::uint8_t* allocate(std::size_t bytes);
  virtual void release(std::uint8_t* memory, std::size_t bytes);
  // True: what is mapped must be of arena_memory(), or of huge pages.
  virtual bool needs_own_memory() const { return false; }
  virtual std::shared_ptr<Mapping> arena_memory(std::size_t /*bytes*/, Failure& failure) {
    return failure.refuse(-EOPNOTSUPP, "the device provides no memory");
  }

  // Bytes that nothing was ever written to, in order, where the first write to a place costs more than the next: a file system keeps such
  // places apart, and notes in its journal what becomes of them.
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  virtual std::vector<Range> untouched() const { return {}; }

  // Something is with the device, and will end soon.
  virtual bool busy() const { return false; }

  // As of demi::Engine; it stays mapped until unmap().
  virtual bool map(std::span<std::uint8_t> /*memory*/, Failure&) { return true; }
  virtual void unmap(std::span<std::uint8_t> /*memory*/) {}
  virtual int sleep_fd() { return -1; }
  virtual int prepare_sleep() { return 0; }
  virtual void end_sleep() {}
  virtual void stats(const StatSink&) const {}
};

}  // namespace demi::spdk
