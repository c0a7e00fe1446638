// A log as a queue: push appends a record and completes when it is durable, pop hands over the next one whole.
#pragma once

#include <memory>
#include <vector>

#include "demi/queue.hpp"
#include "demi/runtime.hpp"
#include "log_reader.hpp"
#include "store.hpp"

namespace demi::spdk {

class SpdkEngine;

class LogQueue final : public Queue, private LogReader::Sink {
 public:
  // Pushes pending on one queue; one more ends with EAGAIN.
  static constexpr std::uint32_t kMostPending = 1024;

  struct Access {
    bool reads = true;
    bool appends = true;
  };

  LogQueue(Runtime& runtime, SpdkEngine& engine, LogStore& store, Log& log, Access access);
  ~LogQueue() override;

  void push(Op& op) override;
  void pop(Op& op) override;
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;
  int seek(std::int64_t offset, int whence, std::int64_t& position) override;
  int truncate(std::int64_t length) override;

  // For the engine: a pop waits for memory.
  void retry();
  bool is_of(const Log& log) const { return &log_ == &log; }
  // Closed, and the device still has memory of it.
  bool busy() const { return outstanding_ != 0 || reader_.loading(); }

 private:
  // A record on its way.
  struct Push {
    Append append;
    LogQueue* queue = nullptr;
    Op* op = nullptr;
    Sga sga = 0;
  };

  int room(std::uint32_t length, iovec* pieces, int& count) override;
  void on_read(std::int32_t result) override;
  void on_appended(Push& push);
  Push* take_push();
  void read_next();
  Sga alloc_record(std::uint32_t length);

  SpdkEngine& engine_;
  LogStore& store_;
  Log& log_;
  Access access_;
  LogReader reader_;
  OpList pushes_;
  OpList pops_;
  std::vector<std::unique_ptr<Push>> all_;  // of them these are free:
  std::vector<Push*> free_;
  std::uint32_t outstanding_ = 0;
  Sga record_ = 0;  // being read into
  bool starved_ = false;
  bool closed_ = false;
};

}  // namespace demi::spdk
