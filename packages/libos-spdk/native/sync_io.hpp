// Transfers that are waited for: opening, closing, and the calls that change the directory. Other transfers complete meanwhile.
#pragma once

#include <cstdint>
#include <span>

#include "block_device.hpp"

namespace demi::spdk {

class SyncIo {
 public:
  explicit SyncIo(BlockDevice& device) : device_(device) {}

  // Whole blocks, `offset` in bytes. 0 or a negative errno.
  int read(std::uint64_t offset, std::span<std::uint8_t> into) { return move(Transfer::Kind::kRead, offset, into); }
  int write(std::uint64_t offset, std::span<std::uint8_t> from) { return move(Transfer::Kind::kWrite, offset, from); }
  int flush();
  // `bytes` bytes at each of the offsets, one after the other into the memory, many at a time. What cannot be read is left zeros.
  void read_each(std::span<const std::uint64_t> offsets, std::size_t bytes, std::span<std::uint8_t> into);

 private:
  int move(Transfer::Kind kind, std::uint64_t offset, std::span<std::uint8_t> memory);
  int run(Transfer& transfer);

  BlockDevice& device_;
};

}  // namespace demi::spdk
