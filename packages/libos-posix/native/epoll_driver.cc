#include "epoll_driver.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "demi/runtime.hpp"
#include "plain_syscall.hpp"

namespace demi::posix {

std::unique_ptr<EpollDriver> EpollDriver::open(Context& context, std::string& message, int& error) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    error = -errno;
    message = std::string("epoll_create1: ") + std::strerror(errno);
    return nullptr;
  }
  return std::unique_ptr<EpollDriver>(new EpollDriver(context, epoll));
}

EpollDriver::~EpollDriver() { ::close(epoll_); }

std::unique_ptr<StreamSocket> EpollDriver::stream(int fd, const SocketRequest& request) {
  return std::make_unique<EpollStream>(context_, *this, fd, request);
}

int EpollDriver::accept_flags() const { return SOCK_NONBLOCK; }

// ---- registration ---------------------------------------------------------------------------------------------------

int EpollDriver::add(Pollable& pollable, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
  pollable.watch = this;
  return 0;
}

// Explicitly, although close() would do: a child between fork and exec may hold a copy of the descriptor for a moment,
// and the registration would outlive the object.
void EpollDriver::remove(Pollable& pollable, int fd) {
  if (pollable.watch == nullptr) return;
  pollable.watch = nullptr;
  epoll_event event{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);
}

int EpollDriver::watch(Pollable& pollable, int fd) { return add(pollable, fd, EPOLLIN | EPOLLET); }

// Writability is asked for only while it is missed: a datagram socket has an edge for every packet that leaves.
int EpollDriver::watch_writable(Pollable& pollable, int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = &pollable;
  return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -errno;
}

void EpollDriver::on_writable_seen(Pollable& pollable, int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = &pollable;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void EpollDriver::close_watched(Pollable& pollable, int fd) {
  remove(pollable, fd);
  ::close(fd);
  context_.retries.descriptor_closed();
}

// ---- the turn -------------------------------------------------------------------------------------------------------

void EpollDriver::poll(std::uint32_t wait_us) {
  transmit();
  context_.retries.run();
  if (context_.runtime.completions_waiting() || !to_transmit_.empty()) wait_us = 0;
  epoll_event events[kBatch];
  const int n = [&] {
    const std::uint32_t bounded = context_.retries.bound_us(wait_us);
    if (bounded == 0) return plain_epoll_poll(epoll_, events, kBatch);
    if (microseconds_) {
      const timespec timeout{bounded / 1000000, static_cast<long>(bounded % 1000000) * 1000};
      // By number: the prebuilt addon may run with a C library without the wrapper.
      const long r = ::syscall(SYS_epoll_pwait2, epoll_, events, kBatch, &timeout, nullptr, 0);
      if (r >= 0 || errno != ENOSYS) return static_cast<int>(r);
      microseconds_ = false;
    }
    return ::epoll_wait(epoll_, events, kBatch, static_cast<int>((bounded + 999) / 1000));
  }();
  // Nothing here destroys a socket that another event of this batch names: sockets are closed between polls, and those
  // closed with an accept nobody waits for are new.
  for (int i = 0; i < n; ++i) static_cast<Pollable*>(events[i].data.ptr)->on_ready(events[i].events);
}

void EpollDriver::transmit() {
  List<EpollStream, TransmitTag> turn;
  turn.take(to_transmit_);
  while (EpollStream* stream = turn.pop_front()) stream->transmit();
}

int EpollDriver::prepare_sleep() {
  if (!to_transmit_.empty()) return 0;
  return context_.retries.due_ms();
}

}  // namespace demi::posix
