#include "dma_pool.hpp"

#include <algorithm>

namespace demi::spdk::nvme {

DmaPool::~DmaPool() {
  for (const Piece& piece : pieces_) function_.unmap(piece.span());
}

std::uint8_t* DmaPool::take(std::size_t bytes, Failure& failure) {
  const std::size_t pages = pages_of(bytes);
  for (Piece& piece : pieces_) {
    if (std::uint8_t* const memory = take_of(piece, pages)) return memory;
  }
  Piece piece{function_.memory(std::max(pages * kPage, kPieceBytes), failure), {}};
  if (!piece.memory || !function_.map(piece.span(), failure)) return nullptr;
  piece.used.resize(piece.memory->bytes() / kPage);
  pieces_.push_back(std::move(piece));
  return take_of(pieces_.back(), pages);
}

// The first pages in a row that are free.
std::uint8_t* DmaPool::take_of(Piece& piece, std::size_t pages) {
  std::size_t free = 0;
  for (std::size_t i = 0; i < piece.used.size(); ++i) {
    free = piece.used[i] ? 0 : free + 1;
    if (free < pages) continue;
    const std::size_t first = i + 1 - pages;
    for (std::size_t k = first; k <= i; ++k) piece.used[k] = true;
    return piece.data() + first * kPage;
  }
  return nullptr;
}

void DmaPool::give_back(std::uint8_t* memory, std::size_t bytes) {
  for (Piece& piece : pieces_) {
    if (memory < piece.data() || memory >= piece.data() + piece.memory->bytes()) continue;
    const std::size_t first = static_cast<std::size_t>(memory - piece.data()) / kPage;
    for (std::size_t i = 0; i < pages_of(bytes); ++i) piece.used[first + i] = false;
  }
}

}  // namespace demi::spdk::nvme
