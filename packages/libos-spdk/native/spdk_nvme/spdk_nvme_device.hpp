// An NVMe namespace as a device of blocks, through SPDK's driver (spdk/nvme.h), where the addon was built with it.
//
// SPDK makes commands of a transfer's pieces: by SGLs where the controller has them, else by as many commands as PRPs take. What this adds
// is what SPDK leaves to its user: memory that it reaches, transfers that wait for room, a controller that is too slow or has failed, which
// is reset, and what was under way then, which is asked for again.
#pragma once

#include <spdk/nvme.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../block_device.hpp"
#include "../nvme/file_descriptor.hpp"
#include "../nvme/nvme_device.hpp"

namespace demi::spdk {

class SpdkNvmeDevice final : public BlockDevice {
 public:
  using Options = nvme::NvmeDevice::Options;

  // EBUSY: another driver, process or libOS has it, or DPDK runs in this process for somebody else. nullptr and why on failure.
  static std::unique_ptr<BlockDevice> open(const std::string& address, const Options& options, Failure& failure);
  ~SpdkNvmeDevice() override;

  const char* name() const override { return "spdk_nvme"; }
  const Geometry& geometry() const override { return geometry_; }
  void submit(Transfer& transfer) override;
  void poll() override;
  void wait(std::uint32_t us) override;
  std::uint8_t* allocate(std::size_t bytes) override;
  void release(std::uint8_t* memory, std::size_t bytes) override;
  bool needs_own_memory() const override { return true; }
  std::shared_ptr<Mapping> arena_memory(std::size_t bytes, Failure& failure) override;
  bool map(std::span<std::uint8_t> memory, Failure& failure) override;
  void unmap(std::span<std::uint8_t> memory) override;
  bool busy() const override { return !idle(); }
  int sleep_fd() override { return never_.get(); }
  int prepare_sleep() override { return idle() ? -1 : 0; }
  void stats(const StatSink& sink) const override;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t kDepth = 63;
  static constexpr std::uint32_t kMostPieces = 256;
  // A transfer whose pieces all need a command of their own, and one more for where the controller's limit cuts it.
  static constexpr std::uint32_t kLeastRequests = 2 * (kMostPieces + 1);
  static constexpr std::uint32_t kMostTries = 5;
  static constexpr std::chrono::milliseconds kLookEvery{50};

  struct Operation {
    SpdkNvmeDevice* device = nullptr;
    Transfer* transfer = nullptr;
    nvme::Place place;  // of SPDK's walk over the pieces
    std::uint32_t tries = 0;
    bool under_way = false;  // with SPDK
    bool aborted = false;
    Clock::time_point deadline;  // of what is under way
  };
  enum class State : std::uint8_t { kReady, kDisconnecting, kStarting };

  explicit SpdkNvmeDevice(std::string address);
  bool claim(Failure& failure);
  bool start(const Options& options, Failure& failure);
  bool idle() const { return free_.size() == kDepth && first_ == nullptr && ended_ == nullptr; }

  void fill();
  int hand_over(Operation& operation);
  void on_completion(Operation& operation, const spdk_nvme_cpl& completion);
  void end(Operation& operation, int error);
  void end(Transfer& transfer, int error);
  void look_after(Clock::time_point now);
  void reset();
  void start_over();
  void give_up(int error);
  void abandon();
  static void reset_place(void* operation, std::uint32_t offset);
  static int next_piece(void* operation, void** memory, std::uint32_t* bytes);

  std::string address_;
  nvme::FileDescriptor
      never_;  // an eventfd that nobody writes to: while nothing is under way there is nothing to be woken for
  nvme::FileDescriptor uio_;  // locked, as the package's own driver does
  bool claimed_ = false;
  spdk_nvme_ctrlr* controller_ = nullptr;
  spdk_nvme_ns* namespace_ = nullptr;
  spdk_nvme_qpair* queues_ = nullptr;
  bool has_write_cache_ = false;
  Geometry geometry_{};
  std::chrono::milliseconds timeout_{};
  std::chrono::milliseconds start_limit_{};

  State state_ = State::kReady;
  int lost_ = 0;  // the controller is: what everything ends with
  Clock::time_point look_at_{};
  Clock::time_point started_{};  // the reset

  std::array<Operation, kDepth> operations_;
  std::vector<Operation*> free_;
  std::vector<Operation*> again_;  // to be handed over once more
  Transfer* first_ = nullptr;      // those that wait for room
  Transfer* last_ = nullptr;
  Transfer* ended_ = nullptr;  // for poll() to hand back
  Transfer* last_ended_ = nullptr;

  std::uint64_t finished_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t resets_ = 0;
};

}  // namespace demi::spdk
