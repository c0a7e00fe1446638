// Reads a log's records one after another, from a cursor on. When it reads on where it has ended before, what follows is read ahead.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "block_device.hpp"
#include "blocks.hpp"
#include "format.hpp"
#include "log.hpp"
#include "store.hpp"

namespace demi::spdk {

class LogReader {
 public:
  // What a reader asks its owner.
  class Sink {
   public:
    virtual ~Sink() = default;
    // Memory for a record of this length, in at most Append::kMostPieces pieces. 0, or a negative errno with which the read ends: the
    // cursor stays before the record.
    virtual int room(std::uint32_t length, iovec* pieces, int& count) = 0;
    // The read has ended: with the record's length, 0 at the end of the log, or a negative errno. EBADMSG: what was acknowledged reads
    // back wrong; EIO: it cannot be read. The cursor stays, except behind a record.
    virtual void on_read(std::int32_t result) = 0;
  };

  LogReader(LogStore& store, Log& log, Sink& sink) : store_(store), log_(log), sink_(sink) {}
  // Not while loading(): the device writes into its memory.
  ~LogReader() = default;
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // Reads the next record; on_read() may be called before this returns. One at a time.
  void read();
  bool busy() const { return busy_; }
  // The device has memory of its, perhaps also while nobody reads.
  bool loading() const {
    return std::ranges::any_of(windows_, [](const Window& window) { return window.loading; });
  }
  // Moves the cursor, not while busy. The next record is the first that begins at the position or behind it.
  void seek(std::uint64_t position);
  std::uint64_t cursor() const { return cursor_; }

 private:
  enum class State : std::uint8_t { kFind, kBatch, kRecord, kData };

  // What was read at once: positions from `from` to `end`, as the log was then.
  struct Window {
    bool has(std::uint64_t position) const { return position >= from && position < end; }

    LogReader* reader = nullptr;
    Blocks memory;
    std::uint64_t from = 0;
    std::uint64_t end = 0;
    bool loading = false;
    bool discarded = false;  // while it was loading
    iovec piece{};
    Transfer transfer;
  };

  void step();
  bool load();
  Window& window(std::size_t ahead = 0) { return windows_[(current_ + ahead) % kWindows]; }
  int start(Window& window, std::uint64_t position);
  void read_ahead();
  void discard();
  bool fetch(void* into, std::size_t bytes);
  bool fetch_data();
  bool find();
  bool is_batch(const format::BatchHeader& header) const;
  int begin_batch();
  int begin_record();
  void next_batch();
  void next_record();
  void on_loaded(Window& window, int error);
  void end(std::int32_t result);

  LogStore& store_;
  Log& log_;
  Sink& sink_;
  State state_ = State::kFind;
  bool busy_ = false;
  bool careful_ = false;        // a large read failed: blocks one at a time
  std::uint64_t cursor_ = 0;    // the next record is the first that begins here or behind
  std::uint64_t position_ = 0;  // of what is fetched next
  std::uint64_t batch_ = 0;     // where the batch begins whose records are read
  std::uint64_t batch_end_ = 0;
  bool guessing_ = false;    // that a record begins at the cursor
  std::size_t fetched_ = 0;  // of the header that is being fetched
  format::BatchHeader batch_header_{};
  format::RecordHeader record_{};
  std::uint32_t crc_ = 0;
  std::uint32_t data_left_ = 0;
  iovec pieces_[Append::kMostPieces];
  int count_ = 0;
  int piece_ = 0;
  std::size_t piece_at_ = 0;

  // From one of them is read; behind it, around the end, is what was read ahead.
  static constexpr std::size_t kWindows = 4;
  std::array<Window, kWindows> windows_;
  std::size_t current_ = 0;
  Window* awaited_ = nullptr;  // the read goes on when it is there
};

}  // namespace demi::spdk
