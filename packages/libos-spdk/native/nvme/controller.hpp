// A controller: started, started anew after it has failed, and shut down. One queue pair for a namespace's blocks beside the admin queue.
//
// Starting is a row of steps that advance() moves without waiting (Base 3.5.1), so that a reset leaves the other devices of a libOS alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "pci_function.hpp"
#include "queue_pair.hpp"

namespace demi::spdk::nvme {

class Controller {
 public:
  using Clock = std::chrono::steady_clock;

  // Pages of mapped memory that it keeps: commands and completions of the admin queue and of the blocks' queue, and what identify fills.
  static constexpr std::size_t kPages = 5;

  // `pages`: kPages of them. `nsid` 0: the first namespace that it has.
  Controller(PciFunction& function, std::uint8_t* pages, std::uint32_t nsid);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Starts it for the first time, waiting. False and why on failure.
  bool start(Failure& failure);

  enum class State : std::uint8_t {
    kStopping,  // it may still write to memory
    kStarting,  // it has forgotten all commands
    kReady,
    kFailed,  // for good
  };
  State state() const { return state_; }
  // Resets it: what is under way will not be answered.
  void restart();
  // A step, if it is not ready; looks after the admin queue, if it is.
  void advance();
  // Not on the bus any more, or wanted by somebody else. It stays so.
  bool gone();
  // It is given up: it is not spoken to any more.
  void forsake() { gone_ = true; }
  // It says that it cannot go on without a reset, or somebody has reset it.
  bool fatal() const { return (function_.read32(property::kStatus) & (kFatal | kReady)) != kReady; }
  // Asks for the command's end; the answer is the command's own completion, or none. False: others are asked for already.
  bool abort(std::uint16_t id);

  QueuePair& io() { return io_; }
  const std::string& why() const { return why_; }

  // ---- what it says of itself
  std::uint32_t nsid() const { return nsid_; }
  std::uint64_t blocks() const { return blocks_; }
  std::uint32_t block_bytes() const { return block_bytes_; }
  std::uint32_t most_transfer_bytes() const { return most_transfer_bytes_; }
  bool has_write_cache() const { return has_write_cache_; }
  // How long to wait before a command that failed is tried again (Base figure 275, CRDT).
  std::chrono::milliseconds retry_delay(unsigned which) const { return retry_delays_[which]; }
  const std::string& model() const { return model_; }

 private:
  enum class Step : std::uint8_t {
    kDisable,
    kEnable,
    kIdentifyController,
    kListNamespaces,
    kIdentifyNamespace,
    kWriteCache,
    kQueues,
    kCompletionQueue,
    kSubmissionQueue,
    kDone,
  };

  void begin(Step step);
  void ask(const Command& command);
  void on_answer(const Completion& completion);
  void read_controller();
  bool read_list();
  bool read_namespace();
  void fail(const std::string& why);
  void enable();
  void shut_down();
  Command admin(AdminOpcode opcode) const;

  PciFunction& function_;
  std::uint32_t nsid_;
  std::uint64_t cap_ = 0;
  State state_ = State::kStopping;
  Step step_ = Step::kDisable;
  Clock::time_point deadline_;
  bool known_ = false;  // what it says of itself was read
  bool gone_ = false;
  bool aborting_ = false;
  std::string why_;

  DmaBlock identified_;
  QueuePair admin_;
  QueuePair io_;

  std::uint64_t blocks_ = 0;
  std::uint32_t block_bytes_ = 0;
  std::uint32_t most_transfer_bytes_ = 0;
  bool has_write_cache_ = false;
  std::chrono::milliseconds retry_delays_[4] = {};
  std::string model_;
};

}  // namespace demi::spdk::nvme
