#include "uring_stream.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utility>

#include "uring_driver.hpp"

namespace demi::posix {

using WorkHook = ListHook<UringStream, WorkTag>;
using MultishotHook = ListHook<UringStream, MultishotTag>;

UringStream::~UringStream() { use_ring(nullptr); }

int UringStream::attach() {
  if (!non_blocking_) return 0;
  non_blocking_ = false;
  return ::fcntl(fd_, F_SETFL, O_RDWR) == 0 ? 0 : -errno;
}

int UringStream::await_connect() { return driver_.poll_writable(*this, fd_); }

void UringStream::abandon_connect() { driver_.forget(*this); }

void UringStream::on_ready(std::uint32_t events) {
  if (state_ != State::kConnecting || (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
  driver_.forget(*this);
  on_connect_ended();
}

void UringStream::retry() { driver_.work_later(*this); }

void UringStream::prepare() {
  if (state_ != State::kConnected || self_) return;
  if (!pushes_.empty() && !send_in_flight_) prepare_send();
  prepare_receive();
}

// ---- sending --------------------------------------------------------------------------------------------------------

void UringStream::start_send() {
  if (!send_in_flight_) driver_.work_later(*this);
}

void UringStream::prepare_send() {
  io_uring_sqe* sqe = driver_.request();
  if (sqe == nullptr) return driver_.work_later(*this);
  frame_ = driver_.take_frame();
  Outgoing& out = frame_->out;
  gather(out, true);
  // MSG_WAITALL: the kernel resumes a short send by itself.
  if (out.iovecs == 1 && !decoder_) {
    io_uring_prep_send(sqe, fd_, out.iov[0].iov_base, out.iov[0].iov_len, MSG_NOSIGNAL | MSG_WAITALL);
    release_frame();
  } else {
    frame_->message = msghdr{};
    frame_->message.msg_iov = out.iov;
    frame_->message.msg_iovlen = static_cast<std::size_t>(out.iovecs);
    io_uring_prep_sendmsg(sqe, fd_, &frame_->message, MSG_NOSIGNAL | MSG_WAITALL);
  }
  io_uring_sqe_set_data64(sqe, UringDriver::tagged(this, UringDriver::Tag::kSend));
  send_in_flight_ = true;
}

void UringStream::on_send_ended(int result) {
  send_in_flight_ = false;
  release_frame();
  if (self_) return finish_closing();
  if (result > 0) sent(static_cast<std::size_t>(result));
  for (Op* op = pushes_.front(); op != nullptr && op->started; op = op->next) op->started = false;
  const bool again = result == -EAGAIN || result == -EINTR || result == -ENOMEM || result == -ENOBUFS;
  if (result < 0 && !again) {
    send_failed(result);
  } else if (send_error_ != 0) {
    send_failed(send_error_);
  }
  if (!pushes_.empty()) driver_.work_later(*this);
}

void UringStream::send_rest() {
  while (!pushes_.empty()) {
    SendFrame* frame = driver_.take_frame();
    gather(frame->out, false);
    msghdr message{};
    message.msg_iov = frame->out.iov;
    message.msg_iovlen = static_cast<std::size_t>(frame->out.iovecs);
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    driver_.return_frame(frame);
    if (n <= 0) return;
    sent(static_cast<std::size_t>(n));
  }
}

void UringStream::release_frame() {
  if (frame_ != nullptr) driver_.return_frame(std::exchange(frame_, nullptr));
}

// ---- receiving ------------------------------------------------------------------------------------------------------

BufferRing& UringStream::wanted_ring() {
  const std::uint32_t limit = decoder_ || pops_.empty() ? 0 : pops_.front()->limit;
  return limit > driver_.small_buffers().slot_bytes() ? driver_.large_buffers() : driver_.small_buffers();
}

void UringStream::use_ring(BufferRing* ring) {
  if (ring_ == ring) return;
  if (ring_ != nullptr) --ring_->users;
  ring_ = ring;
  if (ring_ != nullptr) ++ring_->users;
}

void UringStream::start_receive() {
  // The usual case: the kernel already has the request.
  if (receive_ == Receive::kMultishot && ring_ == &wanted_ring()) [[likely]]
    return;
  if (!Retryable::linked()) driver_.work_later(*this);
}

void UringStream::stop_receive() {
  // A single receive would keep a slot nobody asks for; a multishot one is stopped once too much has arrived.
  if (receive_ == Receive::kSingle) driver_.work_later(*this);
}

void UringStream::demote() {
  demoted_ = true;
  well_met_ = 0;
  driver_.work_later(*this);
}

void UringStream::prepare_receive() {
  if (receive_ != Receive::kNone) {
    if (cancelling_) return;
    const bool unasked = !wants_bytes();
    const bool stop = receive_ == Receive::kSingle ? unasked : (demoted_ || (unasked && inbox_.size() >= kUnpopped));
    if (stop || (!unasked && ring_ != &wanted_ring())) cancel_receive();
    return;
  }
  if (!wants_bytes()) return;
  BufferRing& ring = wanted_ring();
  use_ring(&ring);
  if (ring.posted() == 0) {
    ring.replenish();
    if (ring.posted() == 0) {
      ++context_.counters.receive_starved;
      return context_.retries.when_memory(*this);
    }
  }
  io_uring_sqe* sqe = driver_.request();
  if (sqe == nullptr) return driver_.work_later(*this);
  if (demoted_ || !driver_.multishot_allowed()) {
    io_uring_prep_recv(sqe, fd_, nullptr, decoder_ ? 0 : pops_.front()->limit, 0);
    receive_ = Receive::kSingle;
  } else {
    io_uring_prep_recv_multishot(sqe, fd_, nullptr, 0, 0);
    receive_ = Receive::kMultishot;
    driver_.on_multishot_began(*this);
  }
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = ring.group();
  io_uring_sqe_set_data64(sqe, UringDriver::tagged(this, UringDriver::Tag::kReceive));
  ++ring.requests;
}

void UringStream::cancel_receive() {
  io_uring_sqe* sqe = driver_.request();
  if (sqe == nullptr) return driver_.work_later(*this);
  if (receive_ == Receive::kMultishot && wants_bytes() == false) demoted_ = true;
  io_uring_prep_cancel64(sqe, UringDriver::tagged(this, UringDriver::Tag::kReceive), 0);
  io_uring_sqe_set_data64(sqe, 0);
  cancelling_ = true;
}

void UringStream::on_receive_ended(int result, std::uint32_t flags) {
  Arena& arena = runtime_.arena();
  const Sga slot = (flags & IORING_CQE_F_BUFFER) != 0 ? ring_->take(flags >> IORING_CQE_BUFFER_SHIFT) : 0;
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  if (!more) {
    --ring_->requests;
    receive_ = Receive::kNone;
    cancelling_ = false;
    MultishotHook::unlink();
  }
  if (self_ || slot == 0 || result <= 0) {
    if (slot != 0) arena.free(slot);
    if (self_) return finish_closing();
    if (result == 0) {
      on_receive_end();
    } else if (result == -ENOBUFS || result == -ENOMEM) {
      ++context_.counters.receive_starved;
    } else if (result < 0 && result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
      failed(result);
    }
  } else {
    well_met_ = wants_bytes() ? well_met_ + 1 : 0;
    if (demoted_ && well_met_ >= kPromotion) demoted_ = false;
    arena.set_range(slot, 0, static_cast<std::uint32_t>(result));
    received(slot);
    if (more && inbox_.size() >= kUnpopped && pops_.empty()) driver_.work_later(*this);
  }
  if (!more && wants_bytes()) driver_.work_later(*this);
}

// ---- the end --------------------------------------------------------------------------------------------------------

void UringStream::release(std::unique_ptr<Queue> self) {
  for (Op* op = pushes_.front(); op != nullptr; op = op->next) {
    if (!op->started) continue;
    runtime_.arena().pin(op->sga);
    lent_.push_back(op->sga);
  }
  runtime_.fail_all(pushes_, -ECANCELED);
  WorkHook::unlink();
  Retryable::unlink();
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return;
  if (receive_ == Receive::kNone && !send_in_flight_) return driver_.close_descriptor(fd);
  driver_.on_closing(*this);
  self_ = std::move(self);
  driver_.cancel_and_close(fd);  // may end this object
}

void UringStream::finish_closing() {
  if (receive_ != Receive::kNone || send_in_flight_) return;
  for (const Sga sga : lent_) runtime_.arena().unpin(sga);
  const std::unique_ptr<Queue> last = std::move(self_);
}

}  // namespace demi::posix
