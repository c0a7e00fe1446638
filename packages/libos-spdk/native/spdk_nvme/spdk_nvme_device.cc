#include "spdk_nvme_device.hpp"

#include <spdk/env.h>
#include <sys/eventfd.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "../nvme/huge_pages.hpp"
#include "../nvme/status.hpp"
#include "../nvme/sysfs.hpp"
#include "environment.hpp"

namespace demi::spdk {

namespace {

using nvme::sysfs::driver;

// Those that this process has open: SPDK itself would hand out a controller twice.
std::mutex opening;
std::set<std::string> opened;

std::size_t whole_pages(std::span<std::uint8_t> memory) {
  return (memory.size() + nvme::kHugePage - 1) & ~(nvme::kHugePage - 1);
}

std::string because(const std::string& what) {
  const std::string said = said_of_errors();
  return said.empty() ? what : what + ": " + said;
}

}  // namespace

std::unique_ptr<BlockDevice> SpdkNvmeDevice::open(const std::string& address, const Options& options,
                                                  Failure& failure) {
  if (!nvme::sysfs::is_address(address))
    return failure.refuse(-EINVAL, "\"" + address + "\": a PCI address, as 0000:01:00.0, is wanted");
  std::uint32_t kind = 0;
  if (!nvme::sysfs::read_number(address, "class", kind))
    return failure.refuse(-ENODEV, address + ": no such PCI device");
  if (kind != SPDK_PCI_CLASS_NVME) return failure.refuse(-ENODEV, address + ": no NVMe controller");
  if (driver(address).empty() || driver(address) == "nvme")
    return failure.refuse(-EBUSY, address + ": vfio-pci or uio_pci_generic must have it: demi-log bind " + address);
  std::unique_ptr<SpdkNvmeDevice> device(new SpdkNvmeDevice(address));
  const bool physical = driver(address) != "vfio-pci";
  if (!device->claim(failure) || !start_environment(physical, failure) || !device->start(options, failure)) {
    failure.message = address + ": " + failure.message;
    return nullptr;
  }
  return device;
}

SpdkNvmeDevice::SpdkNvmeDevice(std::string address) : address_(std::move(address)), never_(::eventfd(0, EFD_CLOEXEC)) {
  for (Operation& operation : operations_) {
    operation.device = this;
    free_.push_back(&operation);
  }
}

SpdkNvmeDevice::~SpdkNvmeDevice() {
  // A reset that was begun holds the controller's lock.
  while (state_ == State::kStarting) start_over();
  // What is under way ends here, and is nobody's any more.
  if (queues_ != nullptr) spdk_nvme_ctrlr_free_io_qpair(queues_);
  if (controller_ != nullptr) spdk_nvme_detach(controller_);
  if (!claimed_) return;
  const std::lock_guard lock(opening);
  opened.erase(address_);
}

bool SpdkNvmeDevice::claim(Failure& failure) {
  const auto refuse = [&] {
    failure.refuse(-EBUSY, "another libOS or process has it open");
    return false;
  };
  {
    const std::lock_guard lock(opening);
    if (!opened.insert(address_).second) return refuse();
    claimed_ = true;
  }
  // Through VFIO the kernel sees to it. Through UIO, SPDK and the package's own driver each have a lock of their own.
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator(nvme::sysfs::path(address_, "uio"), none)) {
    uio_ = nvme::FileDescriptor(::open(("/dev/" + folder.path().filename().string()).c_str(), O_RDWR | O_CLOEXEC));
    if (uio_.opened() && ::flock(uio_.get(), LOCK_EX | LOCK_NB) != 0) return refuse();
  }
  return true;
}

bool SpdkNvmeDevice::start(const Options& options, Failure& failure) {
  const auto refuse = [&](int error, const std::string& why) {
    failure.refuse(error, because(why));
    return false;
  };
  said_of_errors();
  spdk_nvme_transport_id id{};
  spdk_nvme_trid_populate_transport(&id, SPDK_NVME_TRANSPORT_PCIE);
  std::snprintf(id.traddr, sizeof id.traddr, "%s", address_.c_str());
  controller_ = spdk_nvme_connect(&id, nullptr, 0);
  if (controller_ == nullptr) return refuse(-EIO, "SPDK cannot open it");
  const std::uint32_t nsid = options.nsid != 0 ? options.nsid : spdk_nvme_ctrlr_get_first_active_ns(controller_);
  namespace_ = nsid == 0 ? nullptr : spdk_nvme_ctrlr_get_ns(controller_, nsid);
  if (namespace_ == nullptr || !spdk_nvme_ns_is_active(namespace_))
    return refuse(-ENODEV, "it has no namespace " + std::to_string(nsid));
  if (spdk_nvme_ns_get_md_size(namespace_) != 0) return refuse(-EOPNOTSUPP, "its blocks have metadata");
  spdk_nvme_io_qpair_opts queue_options{};
  spdk_nvme_ctrlr_get_default_io_qpair_opts(controller_, &queue_options, sizeof queue_options);
  queue_options.io_queue_requests = std::max(queue_options.io_queue_requests, kLeastRequests);
  queues_ = spdk_nvme_ctrlr_alloc_io_qpair(controller_, &queue_options, sizeof queue_options);
  if (queues_ == nullptr) return refuse(-EIO, "it has no queue pair to spare");
  has_write_cache_ = spdk_nvme_ctrlr_get_data(controller_)->vwc.present != 0;
  timeout_ = options.timeout;
  // CAP.TO is for becoming ready and for ceasing to be. Base figure 36.
  start_limit_ = timeout_ + 2 * std::chrono::milliseconds(500) * spdk_nvme_ctrlr_get_regs_cap(controller_).bits.to;
  const std::uint32_t block = spdk_nvme_ns_get_sector_size(namespace_);
  if (block < 512 || block > 4096) return refuse(-EOPNOTSUPP, "its blocks have " + std::to_string(block) + " bytes");
  const std::uint32_t most = spdk_nvme_ns_get_max_io_xfer_size(namespace_);
  geometry_ = {block, spdk_nvme_ns_get_num_sectors(namespace_), block, most - most % block, kMostPieces};
  return true;
}

// ---- memory ---------------------------------------------------------------------------------------------------------

std::uint8_t* SpdkNvmeDevice::allocate(std::size_t bytes) {
  return static_cast<std::uint8_t*>(spdk_malloc(bytes, nvme::kPage, nullptr, SPDK_ENV_SOCKET_ID_ANY, SPDK_MALLOC_DMA));
}

void SpdkNvmeDevice::release(std::uint8_t* memory, std::size_t /*bytes*/) { spdk_free(memory); }

// Not of spdk_zmalloc(): SPDK's memory that is given back while a controller is open takes what lies beside it from the IOMMU (DPDK 22.11
// maps what is in one piece when the first controller comes, and unmaps by pages: "Unexpected size of DMA remapping cleared").
std::shared_ptr<Mapping> SpdkNvmeDevice::arena_memory(std::size_t bytes, Failure& failure) {
  return nvme::huge_pages(bytes, address_, failure);
}

bool SpdkNvmeDevice::map(std::span<std::uint8_t> memory, Failure& failure) {
  const int error = spdk_mem_register(memory.data(), whole_pages(memory));
  if (error == 0) return true;
  failure.refuse(error, address_ + ": " + because("SPDK does not reach the arena, which must be of huge pages"));
  return false;
}

void SpdkNvmeDevice::unmap(std::span<std::uint8_t> memory) { spdk_mem_unregister(memory.data(), whole_pages(memory)); }

// ---- transfers ------------------------------------------------------------------------------------------------------

void SpdkNvmeDevice::submit(Transfer& transfer) {
  transfer.next = nullptr;
  transfer.result = 0;
  (last_ != nullptr ? last_->next : first_) = &transfer;
  last_ = &transfer;
}

void SpdkNvmeDevice::fill() {
  while (!again_.empty()) {
    Operation& operation = *again_.back();
    const int error = lost_ != 0 ? lost_ : hand_over(operation);
    if (error == -ENOMEM || error == -ENXIO) return;
    again_.pop_back();
    if (error != 0) end(operation, error);
  }
  while (first_ != nullptr && (lost_ != 0 || !free_.empty())) {
    Transfer& transfer = *first_;
    const bool nothing = transfer.kind == Transfer::Kind::kFlush ? !has_write_cache_ : transfer.bytes() == 0;
    int error = lost_;
    bool under_way = false;
    if (error == 0 && !nothing) {
      Operation& operation = *free_.back();
      operation.transfer = &transfer;
      operation.tries = 0;
      error = hand_over(operation);
      // SPDK has no room for it before others have ended; or the controller is about to be reset.
      if ((error == -ENOMEM && free_.size() < kDepth) || error == -ENXIO) return;
      under_way = error == 0;
      if (under_way) free_.pop_back();
    }
    first_ = transfer.next;
    if (first_ == nullptr) last_ = nullptr;
    if (!under_way) end(transfer, error);
  }
}

int SpdkNvmeDevice::hand_over(Operation& operation) {
  const Transfer& transfer = *operation.transfer;
  const spdk_nvme_cmd_cb done = [](void* context, const spdk_nvme_cpl* completion) {
    auto& ended = *static_cast<Operation*>(context);
    ended.device->on_completion(ended, *completion);
  };
  int error = 0;
  if (transfer.kind == Transfer::Kind::kFlush) {
    error = spdk_nvme_ns_cmd_flush(namespace_, queues_, done, &operation);
  } else {
    const auto call = transfer.kind == Transfer::Kind::kWrite ? spdk_nvme_ns_cmd_writev : spdk_nvme_ns_cmd_readv;
    const auto blocks = static_cast<std::uint32_t>(transfer.bytes() / geometry_.block_bytes);
    error = call(namespace_, queues_, transfer.block, blocks, done, &operation,
                 transfer.durable ? SPDK_NVME_IO_FLAGS_FORCE_UNIT_ACCESS : 0, reset_place, next_piece);
  }
  if (error == 0) {
    ++commands_;
    ++operation.tries;
    operation.under_way = true;
    operation.aborted = false;
    operation.deadline = Clock::now() + timeout_;
  }
  return error;
}

void SpdkNvmeDevice::reset_place(void* context, std::uint32_t offset) {
  auto& operation = *static_cast<Operation*>(context);
  const auto& pieces = operation.transfer->pieces;
  operation.place = {0, offset};
  for (auto& [piece, rest] = operation.place; piece < pieces.size() && rest >= pieces[piece].iov_len; ++piece)
    rest -= pieces[piece].iov_len;
}

int SpdkNvmeDevice::next_piece(void* context, void** memory, std::uint32_t* bytes) {
  auto& operation = *static_cast<Operation*>(context);
  auto& [piece, offset] = operation.place;
  if (piece == operation.transfer->pieces.size()) return -EFAULT;
  const iovec& from = operation.transfer->pieces[piece];
  *memory = static_cast<std::uint8_t*>(from.iov_base) + offset;
  *bytes = static_cast<std::uint32_t>(from.iov_len - offset);
  operation.place = {piece + 1, 0};
  return 0;
}

void SpdkNvmeDevice::on_completion(Operation& operation, const spdk_nvme_cpl& completion) {
  operation.under_way = false;
  const nvme::Status status{static_cast<std::uint16_t>(completion.status_raw >> 1)};
  if (lost_ != 0) return end(operation, status.ok() ? 0 : lost_);
  if (nvme::may_retry(status) && operation.tries < kMostTries) {
    ++retries_;
    again_.push_back(&operation);
    return;
  }
  // By look_after(), or because the controller was reset.
  const bool aborted = status.type() == SPDK_NVME_SCT_GENERIC && (status.code() == SPDK_NVME_SC_ABORTED_BY_REQUEST ||
                                                                  status.code() == SPDK_NVME_SC_ABORTED_SQ_DELETION);
  end(operation, aborted ? -ETIMEDOUT : nvme::to_error(status));
}

void SpdkNvmeDevice::end(Operation& operation, int error) {
  free_.push_back(&operation);
  end(*std::exchange(operation.transfer, nullptr), error);
}

void SpdkNvmeDevice::end(Transfer& transfer, int error) {
  transfer.result = error;
  transfer.next = nullptr;
  (last_ended_ != nullptr ? last_ended_->next : ended_) = &transfer;
  last_ended_ = &transfer;
}

void SpdkNvmeDevice::poll() {
  if (lost_ == 0 && state_ == State::kReady) {
    fill();
    const bool failed = spdk_nvme_qpair_process_completions(queues_, 0) < 0;
    const auto now = Clock::now();
    if (failed) {
      reset();
    } else if (now >= look_at_) {
      look_after(now);
    }
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

void SpdkNvmeDevice::wait(std::uint32_t us) {
  const auto deadline = Clock::now() + std::chrono::microseconds(us);
  const std::uint64_t before = finished_;
  do {
    poll();
    if (idle() || finished_ != before) return;
    std::this_thread::yield();
  } while (Clock::now() < deadline);
}

// ---- what goes wrong ------------------------------------------------------------------------------------------------

void SpdkNvmeDevice::look_after(Clock::time_point now) {
  look_at_ = now + kLookEvery;
  if (spdk_pci_device_is_removed(spdk_nvme_ctrlr_get_pci_device(controller_))) return give_up(-ENODEV);
  const spdk_nvme_csts_register status = spdk_nvme_ctrlr_get_regs_csts(controller_);
  if (status.raw == nvme::kAbsent) {
    // Without this SPDK asks it to delete its queues, and waits for the answer.
    spdk_nvme_ctrlr_fail(controller_);
    return give_up(-ENODEV);
  }
  if (spdk_nvme_ctrlr_process_admin_completions(controller_) < 0 || !status.bits.rdy || status.bits.cfs) return reset();
  for (Operation& operation : operations_) {
    if (!operation.under_way || now < operation.deadline) continue;
    // An abort that did not help in as much time again.
    if (operation.aborted) return reset();
    const spdk_nvme_cmd_cb ignore = [](void*, const spdk_nvme_cpl*) {};
    if (spdk_nvme_ctrlr_cmd_abort_ext(controller_, queues_, &operation, ignore, nullptr) != 0) continue;
    ++timeouts_;
    operation.aborted = true;
    operation.deadline = now + timeout_;
  }
}

void SpdkNvmeDevice::reset() {
  ++resets_;
  if (spdk_nvme_ctrlr_disconnect(controller_) != 0) return give_up(-ENODEV);
  state_ = State::kDisconnecting;
  started_ = Clock::now();
}

// While it starts anew. Once it has, what was under way ends as aborted, and is asked for again.
void SpdkNvmeDevice::start_over() {
  if (state_ == State::kDisconnecting) {
    if (spdk_nvme_ctrlr_process_admin_completions(controller_) != -ENXIO) return;
    spdk_nvme_ctrlr_reconnect_async(controller_);
    state_ = State::kStarting;
  }
  if (Clock::now() - started_ > start_limit_) return abandon();
  const int error = spdk_nvme_ctrlr_reconnect_poll_async(controller_);
  if (error == -EAGAIN) return;
  state_ = State::kReady;
  if (error != 0 || spdk_nvme_ctrlr_reconnect_io_qpair(queues_) != 0)
    give_up(driver(address_).empty() ? -ENODEV : -EIO);
}

// Nothing will ever be answered again.
void SpdkNvmeDevice::give_up(int error) {
  lost_ = error;
  spdk_nvme_ctrlr_free_io_qpair(std::exchange(queues_, nullptr));
  // Somebody waits for it.
  spdk_nvme_detach(std::exchange(controller_, nullptr));
  fill();
}

// SPDK waits without end for a controller whose registers have become zeros, and holds its lock meanwhile: it is left to it, and so this
// process never opens the controller again.
void SpdkNvmeDevice::abandon() {
  lost_ = -EIO;
  state_ = State::kReady;
  claimed_ = false;
  controller_ = nullptr;
  queues_ = nullptr;
  for (Operation& operation : operations_) {
    if (std::exchange(operation.under_way, false)) end(operation, lost_);
  }
  fill();
}

void SpdkNvmeDevice::stats(const StatSink& sink) const {
  sink("commands", static_cast<double>(commands_));
  sink("retries", static_cast<double>(retries_));
  sink("timeouts", static_cast<double>(timeouts_));
  sink("resets", static_cast<double>(resets_));
}

}  // namespace demi::spdk
