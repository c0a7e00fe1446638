#include "nvme_device.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "status.hpp"

namespace demi::spdk::nvme {

namespace {

constexpr std::uint32_t kMostPieces = 256;

}  // namespace

std::unique_ptr<BlockDevice> NvmeDevice::open(const std::string& address, const Options& options, Failure& failure) {
  auto function = PciFunction::open(address, failure);
  if (!function) return nullptr;
  std::unique_ptr<NvmeDevice> device(new NvmeDevice(std::move(function), options));
  return device->start(address, failure) ? std::move(device) : nullptr;
}

NvmeDevice::NvmeDevice(std::unique_ptr<PciFunction> function, const Options& options)
    : function_(std::move(function)), pool_(*function_), options_(options), never_(::eventfd(0, EFD_CLOEXEC)) {}

NvmeDevice::~NvmeDevice() {
  // It ends its transfers before their memory goes.
  controller_.reset();
  if (never_ >= 0) ::close(never_);
}

bool NvmeDevice::start(const std::string& address, Failure& failure) {
  std::uint8_t* const pages = pool_.take(Controller::kPages * kPage, failure);
  std::uint8_t* const lists = pages == nullptr ? nullptr : pool_.take(std::size_t{kDepth} * kPage, failure);
  if (lists == nullptr) return false;
  for (std::uint16_t i = kDepth; i-- != 0;) {
    std::uint8_t* const page = lists + std::size_t{i} * kPage;
    slots_[i].list = {reinterpret_cast<std::uint64_t*>(page), function_->dma().bus_address(page)};
    free_.push_back(i);
  }
  controller_ = std::make_unique<Controller>(*function_, pages, options_.nsid);
  if (!controller_->start(failure)) {
    failure.message = address + ": " + failure.message;
    return false;
  }
  const std::uint32_t block = controller_->block_bytes();
  geometry_ = {block, controller_->blocks(), block, controller_->most_transfer_bytes(), kMostPieces};
  return true;
}

std::uint8_t* NvmeDevice::allocate(std::size_t bytes) {
  Failure ignored;
  return pool_.take(bytes, ignored);
}

// ---- transfers ------------------------------------------------------------------------------------------------------

void NvmeDevice::submit(Transfer& transfer) {
  transfer.next = nullptr;
  transfer.parts = 0;
  transfer.result = 0;
  if (first_ == nullptr) {
    place_ = {};
    block_ = transfer.block;
  }
  (last_ != nullptr ? last_->next : first_) = &transfer;
  last_ = &transfer;
}

void NvmeDevice::fill() {
  while (first_ != nullptr && (lost_ != 0 || !free_.empty())) {
    Transfer& transfer = *first_;
    if (lost_ != 0) {
      transfer.result = lost_;
    } else if (next_command(transfer)) {
      continue;
    }
    // All of it is on its way.
    first_ = transfer.next;
    if (first_ == nullptr) last_ = nullptr;
    if (first_ != nullptr) block_ = first_->block;
    place_ = {};
    if (transfer.parts == 0) end_part(transfer, 0);
  }
}

// False: nothing is left of it.
bool NvmeDevice::next_command(Transfer& transfer) {
  const bool flush = transfer.kind == Transfer::Kind::kFlush;
  // Without a cache that forgets there is nothing to flush.
  if (flush ? transfer.parts != 0 || !controller_->has_write_cache() : place_.piece == transfer.pieces.size())
    return false;
  if (transfer.result != 0) return false;
  Slot& slot = slots_[free_.back()];
  Command command;
  command.id = free_.back();
  command.nsid = controller_->nsid();
  if (flush) {
    command.opcode = static_cast<std::uint8_t>(Opcode::kFlush);
  } else {
    const Prp prp = name_pages(transfer.pieces, place_, geometry_.most_transfer_bytes, function_->dma(), slot.list);
    if (prp.bytes == 0 || prp.bytes % geometry_.block_bytes != 0) {
      transfer.result = -EFAULT;
      return false;
    }
    const bool write = transfer.kind == Transfer::Kind::kWrite;
    const std::uint32_t blocks = prp.bytes / geometry_.block_bytes;
    command.opcode = static_cast<std::uint8_t>(write ? Opcode::kWrite : Opcode::kRead);
    command.prp1 = prp.first;
    command.prp2 = prp.second;
    command.dword10 = static_cast<std::uint32_t>(block_);
    command.dword11 = static_cast<std::uint32_t>(block_ >> 32);
    command.dword12 = (blocks - 1) | (transfer.durable ? kForceUnitAccess : 0);
    block_ += blocks;
  }
  free_.pop_back();
  ++transfer.parts;
  slot.transfer = &transfer;
  slot.command = command;
  slot.tries = 0;
  hand_over(slot);
  return true;
}

void NvmeDevice::hand_over(Slot& slot) {
  ++slot.tries;
  slot.under_way = true;
  slot.aborted = false;
  slot.deadline = Clock::now() + options_.timeout;
  ++commands_;
  controller_->io().submit(slot.command);
}

// Its last part has ended, or none was begun: it goes back in poll().
void NvmeDevice::end_part(Transfer& transfer, int error) {
  if (error != 0 && transfer.result == 0) transfer.result = error;
  if (transfer.parts != 0 && --transfer.parts != 0) return;
  if (&transfer == first_) return;  // more of it is to come
  transfer.next = nullptr;
  (last_ended_ != nullptr ? last_ended_->next : ended_) = &transfer;
  last_ended_ = &transfer;
}

void NvmeDevice::on_completion(const Completion& completion) {
  // A controller that answers what was not asked has lost its way.
  if (completion.id >= kDepth || !slots_[completion.id].under_way) return recover();
  Slot& slot = slots_[completion.id];
  slot.under_way = false;
  const Status status{static_cast<std::uint16_t>(completion.status >> 1)};
  const bool again = may_retry(status) && slot.tries < kMostTries;
  if (again) {
    ++retries_;
    ++retrying_;
    slot.not_before = Clock::now() + controller_->retry_delay(status.delay());
    return;
  }
  free_.push_back(completion.id);
  end_part(*std::exchange(slot.transfer, nullptr), slot.aborted && !status.ok() ? -ETIMEDOUT : to_error(status));
}

void NvmeDevice::reap() {
  Completion completion;
  bool any = false;
  while (controller_->state() == Controller::State::kReady && controller_->io().take(completion)) {
    any = true;
    on_completion(completion);
  }
  if (any && controller_->state() == Controller::State::kReady) controller_->io().release();
}

void NvmeDevice::poll() {
  if (lost_ == 0 && controller_->state() == Controller::State::kReady) {
    fill();
    controller_->io().ring();
    reap();
    // Also while nothing is under way: somebody may want the device.
    const auto now = Clock::now();
    if (now >= look_at_ || retrying_ != 0) look_after(now);
    if (lost_ == 0) controller_->io().ring();
  } else if (lost_ == 0) {
    start_over();
  } else {
    fill();
  }
  while (ended_ != nullptr) {
    Transfer& transfer = *std::exchange(ended_, ended_->next);
    if (ended_ == nullptr) last_ended_ = nullptr;
    ++finished_;
    transfer.done(transfer);
  }
}

void NvmeDevice::wait(std::uint32_t us) {
  const auto deadline = Clock::now() + std::chrono::microseconds(us);
  const std::uint64_t before = finished_;
  do {
    poll();
    if (idle() || finished_ != before) return;
    // The other hyperthread, or another process of a machine with few processors, may be who makes it go on.
    std::this_thread::yield();
  } while (Clock::now() < deadline);
}

int NvmeDevice::prepare_sleep() { return idle() ? -1 : 0; }

// ---- what goes wrong ------------------------------------------------------------------------------------------------

void NvmeDevice::look_after(Clock::time_point now) {
  for (Slot& slot : slots_) {
    if (slot.transfer == nullptr || slot.under_way || now < slot.not_before) continue;
    --retrying_;
    hand_over(slot);
  }
  if (now < look_at_) return;
  look_at_ = now + kLookEvery;
  if (controller_->gone()) return give_up(-ENODEV);
  if (controller_->fatal()) return recover();
  controller_->advance();
  if (controller_->state() == Controller::State::kFailed) return recover();
  for (Slot& slot : slots_) {
    if (!slot.under_way || now < slot.deadline) continue;
    // An abort that did not help in as much time again.
    if (slot.aborted) return recover();
    if (!controller_->abort(slot.command.id)) continue;
    ++timeouts_;
    slot.aborted = true;
    slot.deadline = now + options_.timeout;
  }
}

void NvmeDevice::recover() {
  ++resets_;
  controller_->restart();
}

// While it starts anew. Once it has, what was under way is asked for again.
void NvmeDevice::start_over() {
  if (controller_->gone()) return give_up(-ENODEV);
  controller_->advance();
  if (controller_->state() == Controller::State::kFailed) return give_up(-EIO);
  if (controller_->state() != Controller::State::kReady) return;
  for (std::uint16_t i = 0; i < kDepth; ++i) {
    Slot& slot = slots_[i];
    if (!std::exchange(slot.under_way, false)) continue;
    if (slot.tries < kMostTries) {
      ++retries_;
      hand_over(slot);
      continue;
    }
    free_.push_back(i);
    end_part(*std::exchange(slot.transfer, nullptr), -ETIMEDOUT);
  }
  controller_->io().ring();
}

// Nothing will ever be answered again.
void NvmeDevice::give_up(int error) {
  lost_ = error;
  controller_->forsake();
  function_->let_go();
  for (std::uint16_t i = 0; i < kDepth; ++i) {
    Slot& slot = slots_[i];
    if (slot.transfer == nullptr) continue;
    slot.under_way = false;
    free_.push_back(i);
    end_part(*std::exchange(slot.transfer, nullptr), error);
  }
  retrying_ = 0;
}

void NvmeDevice::stats(const StatSink& sink) const {
  sink("commands", static_cast<double>(commands_));
  sink("retries", static_cast<double>(retries_));
  sink("timeouts", static_cast<double>(timeouts_));
  sink("resets", static_cast<double>(resets_));
}

}  // namespace demi::spdk::nvme
