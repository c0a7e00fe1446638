// Memory for transfers beside the arena: pages of a few large pieces that the device reaches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pci_function.hpp"
#include "specification.hpp"

namespace demi::spdk::nvme {

class DmaPool {
 public:
  explicit DmaPool(PciFunction& function) : function_(function) {}
  ~DmaPool();
  DmaPool(const DmaPool&) = delete;
  DmaPool& operator=(const DmaPool&) = delete;

  // Whole pages, with anything in them. nullptr and why.
  std::uint8_t* take(std::size_t bytes, Failure& failure);
  void give_back(std::uint8_t* memory, std::size_t bytes);

 private:
  static constexpr std::size_t kPieceBytes = 2u << 20;
  struct Piece {
    std::shared_ptr<Mapping> memory;
    std::vector<bool> used;  // by pages
    std::uint8_t* data() const { return static_cast<std::uint8_t*>(memory->data()); }
    std::span<std::uint8_t> span() const { return {data(), memory->bytes()}; }
  };
  static std::size_t pages_of(std::size_t bytes) { return (bytes + kPage - 1) / kPage; }
  static std::uint8_t* take_of(Piece& piece, std::size_t pages);

  PciFunction& function_;
  std::vector<Piece> pieces_;
};

}  // namespace demi::spdk::nvme
