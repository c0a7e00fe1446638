#include "epoll_stream.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "epoll_driver.hpp"
#include "plain_syscall.hpp"

namespace demi::posix {

namespace {
constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
constexpr std::uint32_t kFailed = EPOLLERR | EPOLLHUP;
}  // namespace

int EpollStream::attach() { return watch != nullptr ? 0 : driver_.add(*this, fd_, kEvents); }

int EpollStream::await_connect() { return driver_.add(*this, fd_, kEvents); }

void EpollStream::abandon_connect() { driver_.remove(*this, fd_); }

void EpollStream::on_ready(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLOUT | kFailed)) == 0) return;
    on_connect_ended();
    if (state_ != State::kConnected) return;
  }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | kFailed)) {
    readable_ = true;
    if (events & (EPOLLRDHUP | EPOLLPRI | kFailed)) read_to_end_ = true;
  }
  if (events & (EPOLLOUT | kFailed)) {
    writable_ = true;
    if (!pushes_.empty()) transmit();
  }
  if (!Retryable::linked()) receive();
}

// ---- sending --------------------------------------------------------------------------------------------------------

// Later, so that the pushes of one batch leave in one call.
void EpollStream::start_send() {
  if (writable_) driver_.transmit_later(*this);
}

void EpollStream::transmit() {
  while (!pushes_.empty() && writable_) {
    Outgoing& out = driver_.outgoing();
    gather(out, false);
    ssize_t n;
    if (out.iovecs == 1) {
      n = plain_send(fd_, out.iov[0].iov_base, out.iov[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = out.iov;
      message.msg_iovlen = static_cast<std::size_t>(out.iovecs);
      n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
    if (n >= 0) {
      sent(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      writable_ = false;
    } else if (errno == ENOMEM || errno == ENOBUFS) {
      // The kernel is short for the moment; there is no edge for its end.
      return driver_.transmit_later(*this);
    } else if (errno != EINTR) {
      send_failed(-errno);
    }
  }
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void EpollStream::start_receive() {
  if (readable_ && !Retryable::linked()) receive();
}

void EpollStream::receive() {
  for (int turn = 0; readable_ && wants_bytes(); ++turn) {
    if (turn == kTurn) return context_.retries.soon(*this);
    if (!receive_once()) return;
  }
}

bool EpollStream::receive_once() {
  Arena& arena = runtime_.arena();
  const std::uint32_t limit = decoder_ ? 0 : pops_.front()->limit;
  const Sga chunk = context_.classes.alloc_down_from(arena, context_.classes.for_limit(limit));
  if (chunk == 0) {
    ++context_.counters.receive_starved;
    context_.retries.when_memory(*this);
    return false;
  }
  const std::uint32_t capacity = arena.slot_capacity(chunk);
  const std::uint32_t room = limit == 0 ? capacity : std::min(limit, capacity);
  const ssize_t n = plain_recv(fd_, arena.slot_start(chunk), room, 0);
  if (n > 0) {
    if (static_cast<std::uint32_t>(n) < room && !read_to_end_) readable_ = false;
    arena.set_range(chunk, 0, static_cast<std::uint32_t>(n));
    received(chunk);
    return true;
  }
  const int error = n == 0 ? 0 : -errno;
  arena.free(chunk);
  if (n == 0) {
    readable_ = false;
    on_receive_end();
  } else if (error == -EAGAIN) {
    readable_ = read_to_end_ = false;
  } else if (error == -ENOMEM || error == -ENOBUFS) {
    context_.retries.soon(*this);
  } else if (error != -EINTR) {
    readable_ = false;
    failed(error);
  }
  return readable_;
}

// ---- the end --------------------------------------------------------------------------------------------------------

void EpollStream::release(std::unique_ptr<Queue>) {
  runtime_.fail_all(pushes_, -ECANCELED);
  if (fd_ >= 0) driver_.close_watched(*this, fd_);
  fd_ = -1;
}

}  // namespace demi::posix
