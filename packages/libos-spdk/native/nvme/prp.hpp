// Physical region pages: how a command names the memory that it reads or writes. Base 4.1.1.
//
// The first entry may begin within a page; every other begins at the beginning of one, so all but the last end at the end of one. Two
// entries fit into the command, more go to a list.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "dma_map.hpp"
#include "specification.hpp"

namespace demi::spdk::nvme {

// A place in a transfer's pieces.
struct Place {
  std::size_t piece = 0;
  std::size_t offset = 0;
};

struct Prp {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint32_t bytes = 0;  // 0: memory that the device does not reach
};

// One page for a list, which the device reaches at `bus`.
struct PrpList {
  std::uint64_t* entries = nullptr;
  std::uint64_t bus = 0;
};

// As much of the pieces from `place` on as one command can name, `most` bytes at most, and moves `place` behind it. What is left takes
// another command: pieces that do not meet at the ends of pages.
Prp name_pages(std::span<const iovec> pieces, Place& place, std::uint32_t most, const DmaMap& map, const PrpList& list);

}  // namespace demi::spdk::nvme
