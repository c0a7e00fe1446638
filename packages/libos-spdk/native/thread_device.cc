#include "thread_device.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace demi::spdk {

ThreadDevice::ThreadDevice(File file) : file_(std::move(file)), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  // Signals are the application's: none of them interrupts this thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadDevice::~ThreadDevice() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  submitted_.notify_one();
  thread_.join();
  if (event_ >= 0) ::close(event_);
}

void ThreadDevice::submit(Transfer& transfer) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(transfer);
  }
  submitted_.notify_one();
}

void ThreadDevice::poll() {
  eventfd_t ignored;
  ::eventfd_read(event_, &ignored);
  Transfer* transfer = nullptr;
  {
    const std::lock_guard lock(mutex_);
    transfer = finished_.take_all();
  }
  while (transfer != nullptr) {
    Transfer& ended = *std::exchange(transfer, transfer->next);
    ended.done(ended);
  }
}

void ThreadDevice::wait(std::uint32_t us) {
  pollfd fd{event_, POLLIN, 0};
  const timespec time{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000) * 1000};
  ::ppoll(&fd, 1, &time, nullptr);
  poll();
}

int ThreadDevice::prepare_sleep() {
  const std::lock_guard lock(mutex_);
  return finished_.first != nullptr ? 0 : -1;
}

void ThreadDevice::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    submitted_.wait(lock, [this] { return stopping_ || waiting_.first != nullptr; });
    Transfer* transfer = waiting_.take_all();
    if (transfer == nullptr) return;
    lock.unlock();
    while (transfer != nullptr) {
      Transfer& one = *std::exchange(transfer, transfer->next);
      one.result = move(one);
      const std::lock_guard again(mutex_);
      finished_.push_back(one);
      ::eventfd_write(event_, 1);
    }
    lock.lock();
  }
}

int ThreadDevice::move(const Transfer& transfer) const {
  if (transfer.kind == Transfer::Kind::kFlush) return ::fdatasync(file_.fd()) == 0 ? 0 : -errno;
  const auto offset = static_cast<off_t>(transfer.block * geometry().block_bytes);
  const auto count = static_cast<int>(transfer.pieces.size());
  const ssize_t moved =
      transfer.kind == Transfer::Kind::kRead
          ? ::preadv(file_.fd(), transfer.pieces.data(), count, offset)
          : ::pwritev2(file_.fd(), transfer.pieces.data(), count, offset, transfer.durable ? RWF_DSYNC : 0);
  if (moved < 0) return -errno;
  return static_cast<std::uint64_t>(moved) == transfer.bytes() ? 0 : -EIO;
}

}  // namespace demi::spdk
