#include "sync_io.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace demi::spdk {

int SyncIo::flush() {
  Transfer transfer;
  transfer.kind = Transfer::Kind::kFlush;
  return run(transfer);
}

int SyncIo::move(Transfer::Kind kind, std::uint64_t offset, std::span<std::uint8_t> memory) {
  const Geometry& geometry = device_.geometry();
  while (!memory.empty()) {
    const std::size_t bytes = std::min<std::size_t>(memory.size(), geometry.most_transfer_bytes);
    const iovec piece{memory.data(), bytes};
    Transfer transfer;
    transfer.kind = kind;
    transfer.block = offset / geometry.block_bytes;
    transfer.pieces = {&piece, 1};
    if (const int error = run(transfer); error != 0) return error;
    offset += bytes;
    memory = memory.subspan(bytes);
  }
  return 0;
}

void SyncIo::read_each(std::span<const std::uint64_t> offsets, std::size_t bytes, std::span<std::uint8_t> into) {
  struct Read {
    Transfer transfer;
    iovec piece{};
    std::size_t* left = nullptr;
  };
  std::vector<Read> reads(offsets.size());
  std::size_t left = reads.size();
  for (std::size_t i = 0; i < reads.size(); ++i) {
    Read& read = reads[i];
    read.piece = {into.data() + i * bytes, bytes};
    read.left = &left;
    read.transfer.block = offsets[i] / device_.geometry().block_bytes;
    read.transfer.pieces = {&read.piece, 1};
    read.transfer.owner = &read;
    read.transfer.done = [](Transfer& ended) {
      auto& one = *static_cast<Read*>(ended.owner);
      if (ended.result != 0) std::memset(one.piece.iov_base, 0, one.piece.iov_len);
      --*one.left;
    };
    device_.submit(read.transfer);
  }
  while (left != 0) device_.wait(1000);
}

// A device ends each transfer, by its own time-out at the latest, and the memory is its until then.
int SyncIo::run(Transfer& transfer) {
  bool done = false;
  transfer.owner = &done;
  transfer.done = [](Transfer& ended) { *static_cast<bool*>(ended.owner) = true; };
  device_.submit(transfer);
  while (!done) device_.wait(1000);
  return transfer.result;
}

}  // namespace demi::spdk
