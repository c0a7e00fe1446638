// Where a log ends. From the last position that is known to be durable the batches are read one after another, up to the first that is
// not whole: it was never acknowledged, unless something behind it says that it was ("Protocol-Aware Recovery", Alagappan et al., FAST
// 2018, tell the two apart likewise). Each batch says up to where its log was durable when it was written.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "format.hpp"
#include "store.hpp"

namespace demi::spdk {

class Recovery {
 public:
  // `memory`: of whole blocks, to read into.
  Recovery(LogStore& store, SyncIo& io, Log& log, std::span<std::uint8_t> memory)
      : store_(store), io_(io), layout_(store.layout()), log_(log), memory_(memory) {}

  // `durable`: what the directory and the segments' headers say. Sets log.end, and gives up segments behind it. 0 or a negative errno.
  int run(std::uint64_t durable, LogStore::Recovery& counters);

  // Whether a whole batch is at the position; `header` is what it says. Its records are read too. EBADMSG: none.
  int check(std::uint64_t position, format::BatchHeader& header);
  std::uint64_t newest_epoch() const { return newest_epoch_; }
  // Once run: where a batch is that failed and that the log was ended before; Log::kNowhere: there is none.
  std::uint64_t given_up() const { return given_up_; }

 private:
  int read(std::uint64_t position, std::size_t bytes, std::uint8_t* into);
  int load(std::uint64_t position);
  bool is_header(const format::BatchHeader& header, std::uint64_t position) const;
  void forget_stale_jumps(std::uint64_t durable);
  bool is_stale_jump(std::uint64_t position);
  bool has_failed_batch(std::uint64_t position);
  int find_evidence(std::uint64_t position, std::uint64_t& durable);

  LogStore& store_;
  SyncIo& io_;
  const format::Layout& layout_;
  Log& log_;
  std::span<std::uint8_t> memory_;
  // What memory_ holds: positions from loaded_ to loaded_end_.
  std::uint64_t loaded_ = 0;
  std::uint64_t loaded_end_ = 0;
  std::uint64_t newest_epoch_ = 0;
  std::uint64_t given_up_ = Log::kNowhere;
};

}  // namespace demi::spdk
