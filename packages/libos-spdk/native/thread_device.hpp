// A file by a thread that makes plain calls: where io_uring is refused.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "file.hpp"

namespace demi::spdk {

class ThreadDevice final : public BlockDevice {
 public:
  explicit ThreadDevice(File file);
  ~ThreadDevice() override;

  const char* name() const override { return "thread"; }
  const Geometry& geometry() const override { return file_.geometry(); }
  std::vector<Range> untouched() const override { return file_.untouched(); }
  void submit(Transfer& transfer) override;
  void poll() override;
  void wait(std::uint32_t us) override;
  int sleep_fd() override { return event_; }
  int prepare_sleep() override;

 private:
  // Oldest first, linked by Transfer::next.
  struct Transfers {
    Transfer* first = nullptr;
    Transfer* last = nullptr;
    void push_back(Transfer& transfer) {
      transfer.next = nullptr;
      (last != nullptr ? last->next : first) = &transfer;
      last = &transfer;
    }
    Transfer* take_all() {
      Transfer* const all = first;
      first = last = nullptr;
      return all;
    }
  };

  void run();
  int move(const Transfer& transfer) const;

  File file_;
  int event_;
  std::mutex mutex_;
  std::condition_variable submitted_;
  Transfers waiting_;
  Transfers finished_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace demi::spdk
