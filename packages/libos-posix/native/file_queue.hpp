// A file as a queue: push writes at the cursor (at the end for O_APPEND), pop reads at the cursor.
//
// Reads and writes share one cursor and complete in the order they were started. Pushes that wait behind one another go to the
// worker together, as one vectored write: with a durable file they share the wait for the device (group commit).
//
// Pops take one slot each: at most `limit` bytes, or kReadBytes without a limit, less when only a smaller slot is free. A pop at
// the end of the file gives 0 and no sga. A failed push may have left a part of its bytes behind; unless the file is in append
// mode the cursor stays where the push began.
#pragma once

#include "demi/runtime.hpp"
#include "file_worker.hpp"

namespace demi {

class FileQueue final : public Queue {
 public:
  // Takes `fd`.
  FileQueue(Runtime& runtime, FileWorker& worker, int fd, bool append);
  ~FileQueue() override;

  void push(Op& op) override { enqueue(op); }
  void pop(Op& op) override { enqueue(op); }
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;

  // Both answer -EBUSY while operations are pending: those are meant for where the cursor and the end are now.
  int seek(std::int64_t offset, int whence, std::int64_t& position) override;
  int truncate(std::int64_t length) override;

  // ---- for FileWorker ------------------------------------------------------------------------------------------------
  // Hands the next job to the worker, if there is one to hand and none with it.
  void start();
  // The job is back.
  void finish();

 private:
  static constexpr std::uint32_t kReadBytes = 65536;
  static constexpr std::uint32_t kSmallReadBytes = 4096;
  // One job writes at most this much (or one push): a cancel or a close may come too late for this many bytes.
  static constexpr std::uint64_t kBatchBytes = 1u << 20;

  void enqueue(Op& op);
  void wait_for_worker();
  bool prepare_read(const Op& op);
  void prepare_write(Op& first);
  void finish_read(Op& op);
  void finish_write();

  FileWorker& worker_;
  FileJob job_;
  bool append_;
  bool closed_ = false;
  bool waiting_ = false;  // on the worker's list
  std::int64_t cursor_ = 0;
  OpList pending_;  // oldest first; the first `active_` are with the worker
  std::uint32_t active_ = 0;
  Sga slot_ = 0;           // what a read in flight fills
  std::vector<Sga> held_;  // pinned for the worker after close
};

}  // namespace demi
