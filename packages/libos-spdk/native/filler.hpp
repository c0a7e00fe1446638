// Zeros for segments that nothing was ever written to (BlockDevice::untouched()), ahead of the logs: a commit there would wait for the file
// system's journal besides, and takes twice as long. While commits are large that costs little, and what is filled would be written twice:
// then it is left.
#pragma once

#include <cstdint>
#include <vector>

#include "block_device.hpp"
#include "blocks.hpp"

namespace demi::spdk {

class LogStore;

class Filler {
 public:
  explicit Filler(LogStore& store) : store_(store) {}

  // If it pays.
  void begin();
  // It has segments, which are free again when it is done with them.
  bool under_way() const { return !segments_.empty(); }
  // Begins nothing more.
  void stop() { stopped_ = true; }
  std::uint64_t filled() const { return filled_; }

 private:
  static constexpr std::size_t kPiece = 256u << 10;
  // Bytes filled together, with one flush; and those that are to be ready.
  static constexpr std::size_t kAtOnce = 4u << 20;
  static constexpr std::size_t kAhead = 2u << 20;
  // Commits are asked about so many at a time, and are small up to this, in bytes.
  static constexpr std::uint64_t kCommits = 16;
  static constexpr std::uint64_t kSmall = 32u << 10;

  bool pays();
  void next();
  void end(std::int32_t result);

  LogStore& store_;
  Blocks zeros_;
  std::vector<std::uint32_t> segments_;
  std::size_t segment_ = 0;  // of these, the one that is being filled
  std::size_t at_ = 0;       // in it, in bytes
  iovec piece_{};
  Transfer transfer_;
  bool stopped_ = false;
  std::uint64_t commits_ = 0;  // those asked about
  std::uint64_t bytes_ = 0;
  std::uint64_t filled_ = 0;
};

}  // namespace demi::spdk
