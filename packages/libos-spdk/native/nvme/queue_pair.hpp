// A submission queue and its completion queue, in memory that the controller reads and writes. Base 3.3.1.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "specification.hpp"

namespace demi::spdk::nvme {

// Memory and how the controller finds it.
struct DmaBlock {
  std::uint8_t* memory = nullptr;
  std::uint64_t bus = 0;
};

class QueuePair {
 public:
  // As many entries as fit into a page of commands: no queue need be contiguous beyond one.
  static constexpr std::uint32_t kMostEntries = kPage / sizeof(Command);

  // A page for the commands and one for the completions.
  QueuePair(std::uint32_t entries, DmaBlock commands, DmaBlock completions)
      : entries_(entries), commands_(commands), completions_(completions) {}

  std::uint32_t entries() const { return entries_; }
  const DmaBlock& commands() const { return commands_; }
  const DmaBlock& completions() const { return completions_; }

  // Empty, as the controller finds it when the queue is created.
  void reset(volatile std::uint32_t* submission_doorbell, volatile std::uint32_t* completion_doorbell) {
    submission_doorbell_ = submission_doorbell;
    completion_doorbell_ = completion_doorbell;
    std::memset(commands_.memory, 0, kPage);
    std::memset(completions_.memory, 0, kPage);
    tail_ = told_ = head_ = 0;
    phase_ = 1;
  }

  // There must be room: fewer commands under way than entries, less one.
  void submit(const Command& command) {
    std::memcpy(commands_.memory + tail_ * sizeof command, &command, sizeof command);
    tail_ = tail_ + 1 == entries_ ? 0 : tail_ + 1;
  }
  // Tells the controller of what was submitted.
  void ring() {
    if (told_ == tail_) return;
    std::atomic_thread_fence(std::memory_order_release);
    *submission_doorbell_ = told_ = tail_;
  }

  // The next completion there is.
  bool take(Completion& out) {
    const auto* const entry =
        reinterpret_cast<const volatile Completion*>(completions_.memory + head_ * sizeof(Completion));
    const std::uint16_t status = entry->status;
    if ((status & 1) != phase_) return false;
    std::atomic_thread_fence(std::memory_order_acquire);
    out.result = entry->result;
    out.id = entry->id;
    out.status = status;
    if (++head_ == entries_) {
      head_ = 0;
      phase_ ^= 1;
    }
    return true;
  }
  // Gives the entries that were taken back.
  void release() { *completion_doorbell_ = head_; }

 private:
  std::uint32_t entries_;
  DmaBlock commands_;
  DmaBlock completions_;
  volatile std::uint32_t* submission_doorbell_ = nullptr;
  volatile std::uint32_t* completion_doorbell_ = nullptr;
  std::uint32_t tail_ = 0;
  std::uint32_t told_ = 0;
  std::uint32_t head_ = 0;
  std::uint16_t phase_ = 1;
};

}  // namespace demi::spdk::nvme
