// The logs of a device: opened, recovered, made, appended to and given up. It knows no libOS; LogQueue stands on it.
//
// Group commit (DeWitt et al., SIGMOD 1984): whatever waits when the device is free is written together, a batch for each log, and
// acknowledged when all of it is durable. One commit is under way at a time, so a log has at most one batch that was begun and not
// acknowledged: that is what recovery may find torn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "block_device.hpp"
#include "blocks.hpp"
#include "committer.hpp"
#include "filler.hpp"
#include "log.hpp"
#include "segments.hpp"
#include "sync_io.hpp"

namespace demi::spdk {

// Memory for transfers, in bytes: each of whole blocks.
struct StoreMemory {
  std::size_t scratch = 1u << 20;   // what opening reads into
  std::size_t commit = 1u << 20;    // records that share a commit at most, unless one alone is larger
  std::size_t window = 256u << 10;  // what a reader reads at once
};

class LogStore {
 public:
  // The device must outlive it.
  explicit LogStore(BlockDevice& device, const StoreMemory& memory = {});
  // Ends what is under way; what waits is never called back. Nothing is written: see close().
  ~LogStore();
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  // Divides a device anew, for at most `logs` logs: all that is on it is lost. `identity` is to be random.
  static bool format(BlockDevice& device, std::uint64_t identity, std::uint32_t logs, Failure& failure);
  // Whether there is something on it that is neither zeros nor ours: whoever makes a device his asks first.
  enum class Content : std::uint8_t { kNothing, kLogs, kForeign };
  static int content(BlockDevice& device, Content& out);

  // Reads what there is and recovers it. EPROTO: by a newer version; EINVAL: no device of logs; EBADMSG: what cannot be made sense of.
  bool open(Failure& failure);
  // Notes where the logs end, if nothing is under way: opening is quicker then, and their ends are safe from flipped bits.
  int close();

  // ---- logs: these wait for the device. 0 or a negative errno.
  Log* find(std::string_view name) const;
  // ENOSPC: the directory is full. EINVAL: no name. ENAMETOOLONG.
  int create(std::string_view name, Log*& out);
  // Gives back what is before `position`, which grows only. EINVAL: it is behind the end.
  int truncate(Log& log, std::uint64_t position);
  // The log and all it holds. EBUSY: somebody has it open, or something of it is under way. After any other error it is there or not when
  // the device is opened again; until then it is doomed.
  int unlink(Log& log);

  // ---- appending
  void append(Log& log, Append& append) { committer_.append(log, append); }
  // False: it is on its way.
  bool cancel(Log& log, Append& append);
  // Moves the device, and begins what waits.
  void poll();
  bool idle() const { return committer_.idle(); }

  // ---- what the others stand on
  BlockDevice& device() { return device_; }
  const format::Layout& layout() const { return layout_; }
  std::uint64_t identity() const { return superblock_.identity; }
  std::uint64_t epoch() const { return superblock_.epoch; }
  FreeSegments& free_segments() { return free_; }
  std::uint64_t next_stamp() { return ++stamp_; }
  std::vector<Log*> logs() const;
  const StoreMemory& memory() const { return memory_; }
  Committer& committer() { return committer_; }
  Filler& filler() { return filler_; }
  void stats(const StatSink&) const;

  // Every counter of recovery, for stats and for tests.
  struct Recovery {
    std::uint64_t batches = 0;
    std::uint64_t bytes = 0;
    std::uint64_t damaged = 0;  // places that were acknowledged and are wrong
  };
  const Recovery& recovery() const { return recovery_; }

 private:
  friend class Mount;

  int write_entry(Log& log, bool in_use);
  int save_entries();
  format::DirectoryEntry entry_of(const Log& log, bool in_use) const;
  void release_segments(Log& log, std::uint64_t before_ordinal);

  BlockDevice& device_;
  const StoreMemory memory_;
  SyncIo io_;
  format::Layout layout_;
  format::Superblock superblock_{};
  std::uint64_t stamp_ = 0;
  Recovery recovery_;
  FreeSegments free_;
  std::vector<std::unique_ptr<Log>> slots_;  // as many as the directory has entries
  std::vector<std::uint64_t> versions_;      // of the slots' entries
  std::uint32_t unsure_ = format::kNone;     // a slot in which a log could not be made, or could
  Blocks scratch_;
  Committer committer_;
  Filler filler_;
};

}  // namespace demi::spdk
