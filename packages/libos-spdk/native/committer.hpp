// Group commit: what a LogStore does with what is appended.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "batch_writer.hpp"
#include "block_device.hpp"
#include "blocks.hpp"
#include "log.hpp"

namespace demi::spdk {

class LogStore;

class Committer {
 public:
  explicit Committer(LogStore& store) : store_(store) {}

  // Once the store has its layout. False: there is no memory.
  bool start();
  std::span<std::uint8_t> staging() const { return staging_.span(); }

  void append(Log& log, Append& append);
  // Begins a commit if none is under way and something waits.
  void begin();
  bool idle() const { return transfers_left_ == 0 && !flushing_ && waiting_.empty(); }
  bool under_way() const { return transfers_left_ != 0 || flushing_; }
  // A flush that was not its own has failed: what the device had of this commit may be gone with it, though its own flush succeeds.
  void doubt(int error);
  // Nothing of the log is under way or waits.
  bool idle(const Log& log) const;
  // Nothing of it waits any more: it is not asked again.
  void forget(Log& log);

  std::uint64_t commits() const { return commits_; }
  // Bytes of all of them.
  std::uint64_t written() const { return written_; }
  std::uint64_t batches() const { return batches_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t flushes() const { return flushes_; }
  std::uint64_t copied() const { return writer_ ? writer_->copied() : 0; }
  std::uint64_t in_place() const { return writer_ ? writer_->in_place() : 0; }

 private:
  // Of one log.
  struct Part {
    Log* log = nullptr;
    std::uint64_t from = 0;  // where its batch begins
    std::uint64_t to = 0;    // and ends, in whole blocks
    AppendList appends;
    std::vector<std::pair<std::uint64_t, Segment>> fresh;  // segments taken for it, by ordinal
    int error = 0;
  };
  struct Write {
    Transfer transfer;
    Committer* committer = nullptr;
    std::size_t part = 0;
    std::size_t first_piece = 0;
    std::size_t pieces = 0;
  };

  bool take_staging(std::size_t records, std::size_t headers);
  bool grow();
  bool add_part(Log& log, AppendList& refused);
  bool take_segments(Part& part, std::uint64_t to);
  void write_batch(std::size_t index);
  void write_headers(std::size_t index);
  void add_write(std::size_t part, std::uint64_t offset, std::span<const iovec> pieces);
  void submit();
  void on_written(Write& write);
  void finish(int error);
  void settle(Part& part);

  static constexpr std::size_t kMostParts = 64;
  static constexpr std::size_t kHeaderRoom = 2u << 20;

  LogStore& store_;
  std::size_t batch_room_ = 0;  // bytes of the staging memory that batches may take: the rest is for headers
  Blocks staging_;
  std::unique_ptr<BatchWriter> writer_;
  std::deque<Log*> waiting_;  // logs with something to append, each once
  std::vector<Part> parts_;
  std::vector<Part> ended_;  // of the last commit
  std::vector<iovec> pieces_;
  std::vector<Write> writes_;
  std::size_t transfers_left_ = 0;  // writes that have not completed
  std::uint64_t bytes_ = 0;         // of the commit
  Transfer flush_;
  bool flushing_ = false;
  std::uint64_t commits_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t flushes_ = 0;
};

}  // namespace demi::spdk
