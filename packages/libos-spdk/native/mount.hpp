// Opening a device of logs: what is on it is read, checked, and made sense of.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "format.hpp"
#include "store.hpp"

namespace demi::spdk {

class Mount {
 public:
  Mount(LogStore& store, Failure& failure) : store_(store), failure_(failure), memory_(store.scratch_.span()) {}
  bool run();

  // The place of the first copy that is whole and newest; the geometry is not looked at. 0 or a negative errno.
  static int read_superblock(SyncIo& io, std::span<std::uint8_t> memory, format::Superblock& out, bool& both);

 private:
  bool read_superblock();
  bool read_directory();
  bool adopt(std::uint32_t slot, const format::DirectoryEntry& entry);
  bool read_segments();
  void adopt(std::uint32_t number, const format::SegmentHeader& header);
  int wipe(std::uint64_t offset);
  int wipe_given_up(const Log& log, std::uint64_t position);
  int wipe_superseded();
  void mark_untouched();
  bool begin_epoch();
  bool failed(int error, const char* what);

  LogStore& store_;
  Failure& failure_;
  std::span<std::uint8_t> memory_;
  bool both_superblocks_ = true;
  std::uint64_t newest_epoch_ = 0;
  std::map<std::uint64_t, Log*> by_incarnation_;
  std::map<const Log*, std::uint64_t> durable_;  // up to where anything read so far says that the log is
  std::vector<std::uint32_t> stale_free_;        // slots without a log of whose copies one is wrong
  // The newest header of a segment, by the log and the ordinal.
  std::map<std::pair<Log*, std::uint64_t>, format::SegmentHeader> headers_;
  std::vector<format::SegmentHeader> superseded_;  // the others
  bool wiped_ = false;
};

}  // namespace demi::spdk
