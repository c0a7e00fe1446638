// An NVMe namespace as a device of blocks, driven by this process without the kernel.
//
// A transfer becomes commands, as many as its pieces need. A command that is not answered in time is aborted, and the controller reset when
// that does not help; what was under way is then asked for again, since reads, writes and flushes may be repeated.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "../block_device.hpp"
#include "controller.hpp"
#include "dma_pool.hpp"
#include "pci_function.hpp"
#include "prp.hpp"

namespace demi::spdk::nvme {

class NvmeDevice final : public BlockDevice {
 public:
  struct Options {
    std::uint32_t nsid = 0;                     // 0: the first
    std::chrono::milliseconds timeout{30'000};  // of a command, before it is aborted; as Linux's
  };

  // nullptr and why on failure, as PciFunction::open().
  static std::unique_ptr<BlockDevice> open(const std::string& address, const Options& options, Failure& failure);
  ~NvmeDevice() override;

  const char* name() const override { return "nvme"; }
  const Geometry& geometry() const override { return geometry_; }
  void submit(Transfer& transfer) override;
  void poll() override;
  void wait(std::uint32_t us) override;
  std::uint8_t* allocate(std::size_t bytes) override;
  void release(std::uint8_t* memory, std::size_t bytes) override { pool_.give_back(memory, bytes); }
  bool needs_own_memory() const override { return function_->needs_own_memory(); }
  std::shared_ptr<Mapping> arena_memory(std::size_t bytes, Failure& failure) override {
    return function_->memory(bytes, failure);
  }
  bool map(std::span<std::uint8_t> memory, Failure& failure) override { return function_->map(memory, failure); }
  void unmap(std::span<std::uint8_t> memory) override { function_->unmap(memory); }
  bool busy() const override { return !idle(); }
  int sleep_fd() override { return never_; }
  int prepare_sleep() override;
  void stats(const StatSink& sink) const override;

 private:
  using Clock = Controller::Clock;
  static constexpr std::uint32_t kDepth = QueuePair::kMostEntries - 1;
  static constexpr std::uint32_t kMostTries = 5;
  // How often it is asked what costs a read over the bus.
  static constexpr std::chrono::milliseconds kLookEvery{50};

  struct Slot {
    Transfer* transfer = nullptr;
    Command command;
    PrpList list;
    std::uint32_t tries = 0;
    bool under_way = false;  // with the controller
    bool aborted = false;
    Clock::time_point deadline;    // of what is under way
    Clock::time_point not_before;  // of what is tried again
  };

  NvmeDevice(std::unique_ptr<PciFunction> function, const Options& options);
  bool start(const std::string& address, Failure& failure);
  bool idle() const { return free_.size() == kDepth && first_ == nullptr; }

  void fill();
  bool next_command(Transfer& transfer);
  void hand_over(Slot& slot);
  void reap();
  void on_completion(const Completion& completion);
  void end_part(Transfer& transfer, int error);
  void look_after(Clock::time_point now);
  void recover();
  void start_over();
  void give_up(int error);

  std::unique_ptr<PciFunction> function_;
  DmaPool pool_;
  Options options_;
  std::unique_ptr<Controller> controller_;
  Geometry geometry_{};
  int never_ = -1;  // an eventfd that nobody writes to: while nothing is under way there is nothing to be woken for

  std::array<Slot, kDepth> slots_;
  std::vector<std::uint16_t> free_;
  Transfer* first_ = nullptr;  // those that are not wholly commands yet
  Transfer* last_ = nullptr;
  Place place_;                // in the first
  std::uint64_t block_ = 0;    // of the first: where its next command begins
  Transfer* ended_ = nullptr;  // those of which nothing is left, for poll() to hand back
  Transfer* last_ended_ = nullptr;
  std::uint32_t retrying_ = 0;  // slots that wait for their time
  int lost_ = 0;                // the controller is: what everything ends with
  Clock::time_point look_at_{};

  std::uint64_t finished_ = 0;  // transfers
  std::uint64_t commands_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t resets_ = 0;
};

}  // namespace demi::spdk::nvme
