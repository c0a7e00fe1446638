// Lays records out as a batch: what is small, or lies wrongly in memory, is copied into blocks of the staging memory; the whole blocks of
// a large record go to the device from where they lie.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

#include "format.hpp"
#include "log.hpp"

namespace demi::spdk {

class BatchWriter {
 public:
  // `staging` is of whole blocks.
  BatchWriter(std::span<std::uint8_t> staging, std::uint32_t block_bytes) : staging_(staging), block_(block_bytes) {}

  // Most bytes that a batch with one more record of this length has: to see whether there is room.
  std::uint64_t bytes_with(std::uint32_t length) const {
    return bytes_ + sizeof(format::RecordHeader) + format::kRecordAlign + block_ + length;
  }
  // Whether the first `room` bytes of the staging memory have room for a record of this length, wherever it lies.
  bool has_room(std::uint32_t length, std::size_t room) const {
    return at_ + 3ull * block_ + length + sizeof(format::RecordHeader) <= room;
  }

  // A batch begins at a block of the staging memory.
  void begin(std::uint64_t incarnation, std::uint64_t position);
  void add(const Append& append);
  // Without any record: its room is free again.
  void abandon() { at_ = run_; }
  std::uint32_t records() const { return records_; }
  std::uint64_t bytes() const { return bytes_; }
  // Fills the last block, writes the header. The batch's runs of whole blocks, in order: those of `runs` from `from` on.
  void finish(format::BatchHeader& header);
  const std::vector<iovec>& runs() const { return runs_; }

  // A block of the staging memory for something else, zeroed.
  std::uint8_t* take_block();
  // Forgets everything: the staging memory is used again.
  void restart();
  // Other staging memory from now on, while there is nothing to forget.
  void use(std::span<std::uint8_t> staging) { staging_ = staging; }

  std::uint64_t copied() const { return copied_; }
  std::uint64_t in_place() const { return in_place_; }

 private:
  void put(const void* from, std::size_t bytes);
  void put_piece(const iovec& piece);
  void put_in_place(const std::uint8_t* from, std::size_t bytes);
  void close_run();

  std::span<std::uint8_t> staging_;
  std::uint32_t block_;
  std::size_t at_ = 0;   // first free byte of the staging memory
  std::size_t run_ = 0;  // where the run begins that is being filled
  std::uint8_t* head_ = nullptr;
  std::uint64_t incarnation_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t records_ = 0;
  std::vector<iovec> runs_;
  std::uint64_t copied_ = 0;  // bytes of records, since the beginning
  std::uint64_t in_place_ = 0;
};

}  // namespace demi::spdk
