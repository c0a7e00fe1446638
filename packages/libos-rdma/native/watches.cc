#include "watches.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "fid.hpp"

namespace demi::rdma {

namespace {

constexpr int kMostAtOnce = 32;

}  // namespace

int Watches::open(std::string& message) {
  epoll_ = OwnFd(::epoll_create1(EPOLL_CLOEXEC));
  return epoll_.get() < 0 ? call_failed("epoll_create1", -errno, message) : 0;
}

std::uint64_t Watches::add(int fd, std::function<void()> on_readable, bool writable) {
  const std::uint64_t id = next_++;
  watches_[id] = {fd, std::move(on_readable)};
  const std::uint32_t interest = writable ? EPOLLIN | EPOLLRDHUP | EPOLLOUT : EPOLLIN | EPOLLRDHUP;
  epoll_event event{.events = interest, .data = {.u64 = id}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  due_ = true;
  return id;
}

void Watches::remove(std::uint64_t watched) {
  const auto found = watches_.find(watched);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

bool Watches::look() {
  epoll_event events[kMostAtOnce];
  const int count = watches_.empty() ? 0 : ::epoll_wait(epoll_.get(), events, kMostAtOnce, 0);
  for (int i = 0; i < count; ++i) {
    const auto found = watches_.find(events[i].data.u64);
    if (found == watches_.end()) continue;
    // It may remove itself.
    const auto on_readable = found->second.on_readable;
    on_readable();
  }
  return count > 0;
}

}  // namespace demi::rdma
