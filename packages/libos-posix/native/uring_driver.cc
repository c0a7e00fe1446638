#include "uring_driver.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "demi/runtime.hpp"

namespace demi::posix {

namespace {

using Clock = std::chrono::steady_clock;

// Where received and unpopped slots of all sockets may go before multishot receives are given up: an eighth of the
// class.
constexpr std::uint32_t kUnpoppedShare = 8;

}  // namespace

// ---- opening and closing --------------------------------------------------------------------------------------------

std::unique_ptr<UringDriver> UringDriver::open(Context& context, const RingParameters& parameters, std::string& message,
                                               int& error) {
  std::unique_ptr<UringDriver> driver(new UringDriver(context));
  error = driver->setup(parameters, message);
  if (error != 0) return nullptr;
  return driver;
}

int UringDriver::setup(const RingParameters& parameters, std::string& message) {
  if (const int error = open_ring(ring_, parameters, message); error != 0) return error;
  opened_ = true;
  Arena& arena = context_.runtime.arena();
  small_ = std::make_unique<BufferRing>(ring_, arena, context_.classes.stream(), 0);
  large_ = std::make_unique<BufferRing>(ring_, arena, context_.classes.datagram(), 1);
  unpopped_limit_ = std::max<std::uint32_t>(8, arena.size_class(context_.classes.stream()).count / kUnpoppedShare);
  for (BufferRing* ring : {small_.get(), large_.get()}) {
    if (const int error = ring->open(); error != 0) {
      message = "io_uring has no provided-buffer rings here (Linux 5.19)";
      return error;
    }
  }
  eventfd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (eventfd_ < 0) {
    message = "no eventfd for the ring";
    return -errno;
  }
  if (const int error = io_uring_register_eventfd(&ring_, eventfd_); error != 0) {
    message = "the ring takes no eventfd";
    return error;
  }
  io_uring_cq_eventfd_toggle(&ring_, false);
  sleep_ = ::epoll_create1(EPOLL_CLOEXEC);
  const int error = sleep_ < 0 ? -errno : sleep_on(eventfd_);
  if (error != 0) message = "no epoll descriptor to sleep on";
  return error;
}

int UringDriver::sleep_on(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  return ::epoll_ctl(sleep_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

UringDriver::~UringDriver() {
  // The runtime has closed all queues; what is left are requests the kernel is about to end.
  for (int i = 0; i < 100 && !closing_.empty(); ++i) {
    enter(10000);
    reap();
  }
  if (opened_) io_uring_queue_exit(&ring_);
  while (UringStream* stream = closing_.pop_front()) delete stream->abandon();
  while (Watch* watch = watches_.pop_front()) delete watch;
  for (const int fd : late_closes_) ::close(fd);
  if (sleep_ >= 0) ::close(sleep_);
  if (eventfd_ >= 0) ::close(eventfd_);
}

std::unique_ptr<StreamSocket> UringDriver::stream(int fd, const SocketRequest& request) {
  return std::make_unique<UringStream>(context_, *this, fd, request);
}

// ---- requests -------------------------------------------------------------------------------------------------------

io_uring_sqe* UringDriver::request() {
  if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_); sqe != nullptr) return sqe;
  // Full: hand it to the kernel. With completions overflowing it takes none until those are read.
  io_uring_submit(&ring_);
  return io_uring_get_sqe(&ring_);
}

SendFrame* UringDriver::take_frame() {
  if (frames_.empty()) return new SendFrame;
  SendFrame* frame = frames_.back().release();
  frames_.pop_back();
  return frame;
}

void UringDriver::cancel_and_close(int fd) {
  if (io_uring_sqe* sqe = request(); sqe != nullptr) {
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(sqe, 0);
  } else {
    ::shutdown(fd, SHUT_RDWR);  // also ends them
  }
  ++enters_;
  io_uring_submit_and_get_events(&ring_);
  close_descriptor(fd);
  if (!reaping_) reap();
}

void UringDriver::close_descriptor(int fd) {
  context_.retries.descriptor_closed();
  // A request that waits in the ring names the number, which the next socket may get.
  if (io_uring_sq_ready(&ring_) != 0) io_uring_submit(&ring_);
  if (io_uring_sq_ready(&ring_) != 0) {
    late_closes_.push_back(fd);
  } else {
    ::close(fd);
  }
}

// ---- readiness ------------------------------------------------------------------------------------------------------

UringDriver::Watch& UringDriver::watch_of(Pollable& pollable, int fd) {
  if (pollable.watch != nullptr) return *static_cast<Watch*>(pollable.watch);
  auto* watch = new Watch;
  watch->owner = &pollable;
  watch->fd = fd;
  watches_.push_back(*watch);
  pollable.watch = watch;
  return *watch;
}

int UringDriver::arm(Watch& watch, bool writable) {
  io_uring_sqe* sqe = request();
  if (sqe == nullptr) return -EAGAIN;
  if (writable) {
    io_uring_prep_poll_add(sqe, watch.fd, EPOLLOUT);
  } else {
    io_uring_prep_poll_multishot(sqe, watch.fd, EPOLLIN);
  }
  io_uring_sqe_set_data64(sqe, tagged(&watch, writable ? Tag::kWritable : Tag::kWatch));
  ++watch.requests;
  return 0;
}

int UringDriver::watch(Pollable& pollable, int fd) { return arm(watch_of(pollable, fd), false); }

// The ring's poll request finds it while the ring is waited in. It is no way to end a sleep: when the eventfd is written to, the request
// completes within that wake-up, where the kernel puts off the ring's own signal (eventfd_signal_allowed()), and Linux 6.18 puts off the
// first one only: after it has been given, the bit that says so stays (io_uring/eventfd.c), and the next are dropped.
int UringDriver::watch_signal(Pollable& pollable, int eventfd) {
  if (const int error = sleep_on(eventfd); error != 0) return error;
  return watch(pollable, eventfd);
}

int UringDriver::poll_writable(Pollable& pollable, int fd) { return arm(watch_of(pollable, fd), true); }

void UringDriver::on_watch_event(Watch& watch, Tag tag, int result, bool more) {
  if (!more) --watch.requests;
  if (watch.owner == nullptr) {
    if (watch.requests == 0) delete &watch;
    return;
  }
  // A multishot poll ends when completions overflow, among others.
  if (!more && tag == Tag::kWatch) arm(watch, false);
  watch.owner->on_ready(result >= 0 ? static_cast<std::uint32_t>(result) : EPOLLERR);
}

void UringDriver::forget(Pollable& pollable) {
  if (pollable.watch == nullptr) return;
  auto* watch = static_cast<Watch*>(std::exchange(pollable.watch, nullptr));
  watch->owner = nullptr;
  if (watch->requests == 0) {
    delete watch;
    return;
  }
  for (const Tag tag : {Tag::kWatch, Tag::kWritable}) {
    io_uring_sqe* sqe = request();
    if (sqe == nullptr) break;
    io_uring_prep_cancel64(sqe, tagged(watch, tag), 0);
    io_uring_sqe_set_data64(sqe, 0);
  }
  ++enters_;
  io_uring_submit_and_get_events(&ring_);
}

void UringDriver::close_watched(Pollable& pollable, int fd) {
  forget(pollable);
  close_descriptor(fd);
}

// ---- the turn -------------------------------------------------------------------------------------------------------

void UringDriver::poll(std::uint32_t wait_us) {
  context_.retries.run();
  const auto end = wait_us != 0 ? Clock::now() + std::chrono::microseconds(wait_us) : Clock::time_point{};
  for (;;) {
    prepare_work();
    const bool busy = context_.runtime.completions_waiting() || !work_.empty();
    if (!enter(busy ? 0 : context_.retries.bound_us(wait_us))) return;
    reap();
    if (wait_us == 0 || context_.runtime.completions_waiting() || context_.retries.due_ms() == 0) return;
    // Only completions nobody waits for, such as quiet pushes: sleep on.
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()).count();
    if (left <= 0) return;
    wait_us = static_cast<std::uint32_t>(left);
  }
}

void UringDriver::prepare_work() {
  if (!late_closes_.empty() && io_uring_sq_ready(&ring_) == 0) [[unlikely]] {
    for (const int fd : late_closes_) ::close(fd);
    late_closes_.clear();
  }
  bound_unpopped();
  small_->replenish();
  large_->replenish();
  List<UringStream, WorkTag> turn;
  turn.take(work_);
  while (UringStream* stream = turn.pop_front()) stream->prepare();
}

void UringDriver::bound_unpopped() {
  if (context_.unpopped > unpopped_limit_) [[unlikely]] {
    multishot_allowed_ = false;
    multishot_.for_each([](UringStream& stream) { stream.demote(); });
  } else if (!multishot_allowed_ && context_.unpopped < unpopped_limit_ / 2) {
    multishot_allowed_ = true;
  }
}

bool UringDriver::kernel_has_work() const {
  const unsigned flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
  return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

// False when a signal arrived: its handler has to get its turn.
bool UringDriver::enter(std::uint32_t wait_us) {
  int result = 0;
  if (wait_us != 0) {
    __kernel_timespec timeout{wait_us / 1000000, static_cast<long long>(wait_us % 1000000) * 1000};
    io_uring_cqe* cqe = nullptr;
    ++enters_;
    result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
  } else if (io_uring_sq_ready(&ring_) != 0 || kernel_has_work()) {
    ++enters_;
    result = io_uring_submit_and_get_events(&ring_);
  }
  return result != -EINTR;
}

unsigned UringDriver::reap() {
  reaping_ = true;
  unsigned n = 0;
  unsigned head;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    handle(*cqe);
    if (++n == kBatch) break;
  }
  io_uring_cq_advance(&ring_, n);
  reaping_ = false;
  return n;
}

// The pointer is one we put in: its object stays until all its requests have come back.
void UringDriver::handle(const io_uring_cqe& cqe) {
  void* object = reinterpret_cast<void*>(cqe.user_data & ~kTagMask);
  if (object == nullptr) return;
  const auto tag = static_cast<Tag>(cqe.user_data & kTagMask);
  switch (tag) {
    case Tag::kReceive:
      return static_cast<UringStream*>(object)->on_receive_ended(cqe.res, cqe.flags);
    case Tag::kSend:
      return static_cast<UringStream*>(object)->on_send_ended(cqe.res);
    case Tag::kWatch:
    case Tag::kWritable:
      return on_watch_event(*static_cast<Watch*>(object), tag, cqe.res, (cqe.flags & IORING_CQE_F_MORE) != 0);
  }
}

// ---- sleeping -------------------------------------------------------------------------------------------------------

int UringDriver::prepare_sleep() {
  // Mostly streams that have sent everything: looking at them again is no reason to stay awake.
  if (!work_.empty()) prepare_work();
  if (!work_.empty()) return 0;
  const int due = context_.retries.due_ms();
  if (due == 0) return 0;
  if (io_uring_sq_ready(&ring_) != 0) enter(0);
  io_uring_cq_eventfd_toggle(&ring_, true);
  // What the kernel finished before it saw the toggle gives no signal: look again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (io_uring_cq_ready(&ring_) != 0 || kernel_has_work() || io_uring_sq_ready(&ring_) != 0) {
    io_uring_cq_eventfd_toggle(&ring_, false);
    return 0;
  }
  return due;
}

void UringDriver::end_sleep() {
  io_uring_cq_eventfd_toggle(&ring_, false);
  std::uint64_t signals;
  [[maybe_unused]] const ssize_t n = ::read(eventfd_, &signals, sizeof signals);
}

void UringDriver::stats(const StatSink& sink) const {
  sink("ringEnters", static_cast<double>(enters_));
  sink("postedSlots", small_->posted() + large_->posted());
  sink("unpoppedSlots", static_cast<double>(context_.unpopped));
}

}  // namespace demi::posix
