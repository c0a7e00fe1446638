// The storage engine: logs of one device as queues.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "block_device.hpp"
#include "demi/config.hpp"
#include "demi/engine.hpp"
#include "demi/runtime.hpp"
#include "log_queue.hpp"
#include "store.hpp"

namespace demi::spdk {

class SpdkEngine final : public Engine {
 public:
  SpdkEngine(Runtime& runtime, BlockDevice& device, LogStore& store);
  // Waits for what is under way, and notes where the logs end.
  ~SpdkEngine() override;

  const char* name() const override { return device_.name(); }
  std::uint8_t provides() const override { return kFiles; }
  std::unique_ptr<Queue> open(const FileRequest& request, int& error) override;
  int unlink(const std::string& path) override;
  bool map(std::span<std::uint8_t> memory, Failure& failure) override {
    if (!device_.map(memory, failure)) return false;
    mapped_ = memory;
    return true;
  }
  void poll() override;
  bool wait(std::uint32_t us) override;
  int sleep_fd() override { return device_.sleep_fd(); }
  int prepare_sleep() override;
  void end_sleep() override { device_.end_sleep(); }
  void stats(const StatSink& sink) const override;

  // ---- for LogQueue
  void retry_later(LogQueue& queue) { starved_.push_back(&queue); }
  void forget(LogQueue& queue) { std::erase(starved_, &queue); }
  void keep(std::unique_ptr<Queue> closed);

 private:
  void tend();

  Runtime& runtime_;
  BlockDevice& device_;
  LogStore& store_;
  std::span<std::uint8_t> mapped_;
  std::vector<LogQueue*> starved_;  // pops that wait for memory
  std::vector<std::unique_ptr<LogQueue>> closing_;
  std::uint64_t releases_ = 0;  // of the arena, when the starved were looked at
};

// Opens the device that the configuration names, and the logs on it.
std::unique_ptr<Device> open_device(const Config& config, Failure& failure);

}  // namespace demi::spdk
