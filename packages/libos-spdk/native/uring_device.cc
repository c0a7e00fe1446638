#include "uring_device.hpp"

#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace demi::spdk {

std::unique_ptr<UringDevice> UringDevice::open(File& file, std::string& why) {
  std::unique_ptr<UringDevice> device(new UringDevice());
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  int error = io_uring_queue_init_params(kEntries, &device->ring_, &parameters);
  if (error == -EINVAL) {
    // Linux before 5.19.
    parameters = {};
    parameters.flags = IORING_SETUP_CLAMP;
    error = io_uring_queue_init_params(kEntries, &device->ring_, &parameters);
  }
  device->opened_ = error == 0;
  if (error == 0) device->event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (error == 0 && device->event_ < 0) error = -errno;
  if (error == 0) error = io_uring_register_eventfd(&device->ring_, device->event_);
  if (error == 0 && (parameters.features & IORING_FEAT_EXT_ARG) == 0) error = -EOPNOTSUPP;
  if (error != 0) {
    why = std::string("io_uring: ") + std::strerror(-error);
    return nullptr;
  }
  // Without it, or without the right to lock memory, the kernel pins pages for each transfer.
  if (io_uring_register_buffers_sparse(&device->ring_, kMostRegistered) == 0)
    device->registered_.resize(kMostRegistered);
  // Nobody is told while poll() is called.
  io_uring_cq_eventfd_toggle(&device->ring_, false);
  device->file_ = std::move(file);
  return device;
}

UringDevice::~UringDevice() {
  if (opened_) io_uring_queue_exit(&ring_);
  if (event_ >= 0) ::close(event_);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

std::uint8_t* UringDevice::allocate(std::size_t bytes) {
  std::uint8_t* const memory = BlockDevice::allocate(bytes);
  const auto free = std::ranges::find_if(registered_, [](const auto& span) { return span.empty(); });
  if (memory == nullptr || free == registered_.end()) return memory;
  const iovec piece{memory, bytes};
  const auto number = static_cast<unsigned>(free - registered_.begin());
  if (io_uring_register_buffers_update_tag(&ring_, number, &piece, nullptr, 1) == 1) *free = {memory, bytes};
  return memory;
}

void UringDevice::release(std::uint8_t* memory, std::size_t bytes) {
  for (std::size_t n = 0; n < registered_.size(); ++n) {
    if (registered_[n].data() != memory || registered_[n].empty()) continue;
    const iovec none{};
    io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(n), &none, nullptr, 1);
    registered_[n] = {};
  }
  BlockDevice::release(memory, bytes);
}

// The number of the memory that the piece lies in; -1 if it is not registered.
int UringDevice::registered(const iovec& piece) const {
  const auto* const begin = static_cast<const std::uint8_t*>(piece.iov_base);
  const auto found = std::ranges::find_if(registered_, [&](const auto& span) {
    return begin >= span.data() && begin + piece.iov_len <= span.data() + span.size();
  });
  return found == registered_.end() ? -1 : static_cast<int>(found - registered_.begin());
}

// ---- transfers ------------------------------------------------------------------------------------------------------

void UringDevice::submit(Transfer& transfer) {
  transfer.next = nullptr;
  (last_ != nullptr ? last_->next : first_) = &transfer;
  last_ = &transfer;
}

bool UringDevice::prepare(Transfer& transfer) {
  if (under_way_ == kEntries) return false;
  io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
  if (sqe == nullptr) return false;
  const std::uint64_t offset = transfer.block * geometry().block_bytes;
  const auto pieces = static_cast<unsigned>(transfer.pieces.size());
  switch (transfer.kind) {
    case Transfer::Kind::kRead:
      if (const int buffer = pieces == 1 ? registered(transfer.pieces[0]) : -1; buffer >= 0) {
        const iovec& piece = transfer.pieces[0];
        io_uring_prep_read_fixed(sqe, file_.fd(), piece.iov_base, static_cast<unsigned>(piece.iov_len), offset, buffer);
        break;
      }
      io_uring_prep_readv(sqe, file_.fd(), transfer.pieces.data(), pieces, offset);
      break;
    case Transfer::Kind::kWrite:
      if (const int buffer = pieces == 1 ? registered(transfer.pieces[0]) : -1; buffer >= 0) {
        const iovec& piece = transfer.pieces[0];
        io_uring_prep_write_fixed(sqe, file_.fd(), piece.iov_base, static_cast<unsigned>(piece.iov_len), offset,
                                  buffer);
        sqe->rw_flags = transfer.durable ? RWF_DSYNC : 0;
        break;
      }
      io_uring_prep_writev2(sqe, file_.fd(), transfer.pieces.data(), pieces, offset, transfer.durable ? RWF_DSYNC : 0);
      break;
    case Transfer::Kind::kFlush:
      io_uring_prep_fsync(sqe, file_.fd(), IORING_FSYNC_DATASYNC);
      break;
  }
  io_uring_sqe_set_data(sqe, &transfer);
  ++under_way_;
  return true;
}

void UringDevice::fill() {
  while (first_ != nullptr && prepare(*first_)) first_ = first_->next;
  if (first_ == nullptr) last_ = nullptr;
}

void UringDevice::reap() {
  io_uring_cqe* cqe = nullptr;
  while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
    auto& transfer = *static_cast<Transfer*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_, cqe);
    --under_way_;
    transfer.result = result < 0 ? result : 0;
    // Less than all of it: behind the end of what the file system has.
    if (result >= 0 && transfer.kind != Transfer::Kind::kFlush &&
        static_cast<std::uint64_t>(result) != transfer.bytes())
      transfer.result = -EIO;
    transfer.done(transfer);
  }
}

void UringDevice::poll() {
  fill();
  if (io_uring_sq_ready(&ring_) != 0) {
    ++enters_;
    io_uring_submit(&ring_);
  } else if (under_way_ != 0 && kernel_wants_entering()) {
    ++enters_;
    io_uring_get_events(&ring_);
  }
  reap();
}

// It has finished something and tells what when it is entered, which it says (IORING_SETUP_TASKRUN_FLAG), or what it had to tell found no
// room.
bool UringDevice::kernel_wants_entering() const {
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void UringDevice::wait(std::uint32_t us) {
  fill();
  if (under_way_ == 0) return;
  __kernel_timespec time{us / 1'000'000, static_cast<long long>(us % 1'000'000) * 1000};
  io_uring_cqe* cqe = nullptr;
  ++enters_;
  io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &time, nullptr);
  reap();
}

int UringDevice::prepare_sleep() {
  io_uring_cq_eventfd_toggle(&ring_, true);
  fill();
  if (io_uring_sq_ready(&ring_) != 0) {
    ++enters_;
    io_uring_submit(&ring_);
  }
  if (io_uring_cq_ready(&ring_) == 0 && !kernel_wants_entering()) return -1;
  io_uring_cq_eventfd_toggle(&ring_, false);
  return 0;
}

void UringDevice::end_sleep() {
  io_uring_cq_eventfd_toggle(&ring_, false);
  eventfd_t ignored;
  ::eventfd_read(event_, &ignored);
}

void UringDevice::stats(const StatSink& sink) const { sink("enters", static_cast<double>(enters_)); }

}  // namespace demi::spdk
