#include "demi/engine_set.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace demi {

namespace {

int add_to(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

}  // namespace

std::int64_t EngineSet::monotonic_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

EngineSet::~EngineSet() {
  end();
  if (epoll_ >= 0) ::close(epoll_);
}

int EngineSet::add(std::string name, std::unique_ptr<Engine> engine, std::unique_ptr<Device> device) {
  // Whatever happens, the engine dies before its device.
  Member member{std::move(name), std::move(device), std::move(engine)};
  if (size_ == kMost) return -ENFILE;
  member.sleep_fd = member.engine->sleep_fd();
  member.polls_memory = member.engine->polls_memory();
  if (member.sleep_fd >= 0) {
    if (const int error = watch(member.sleep_fd); error != 0) return error;
  }
  members_[size_++] = std::move(member);
  return 0;
}

// One descriptor is slept on as it is, several through an epoll descriptor over them.
int EngineSet::watch(int fd) {
  if (sleep_fd_ < 0) {
    sleep_fd_ = fd;
    return 0;
  }
  if (epoll_ < 0) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return -errno;
    if (const int error = add_to(epoll_, std::exchange(sleep_fd_, epoll_)); error != 0) return error;
  }
  return add_to(epoll_, fd);
}

void EngineSet::end() {
  while (size_ != 0) members_[--size_].engine.reset();
}

std::unique_ptr<Queue> EngineSet::socket(const SocketRequest& request, int& error) {
  const Provides wanted = request.kind == SocketKind::kStream ? kStreams : kDatagrams;
  for (std::size_t i = 0; i < size_; ++i) {
    if ((members_[i].engine->provides() & wanted) != 0) return members_[i].engine->socket(request, error);
  }
  error = -EAFNOSUPPORT;
  return size_ == 0 ? nullptr : members_[0].engine->socket(request, error);
}

Engine* EngineSet::files() const {
  for (std::size_t i = size_; i-- != 0;) {
    if ((members_[i].engine->provides() & kFiles) != 0) return members_[i].engine.get();
  }
  return size_ == 0 ? nullptr : members_[0].engine.get();
}

std::unique_ptr<Queue> EngineSet::open(const FileRequest& request, int& error) {
  error = -EOPNOTSUPP;
  Engine* const engine = files();
  return engine == nullptr ? nullptr : engine->open(request, error);
}

int EngineSet::unlink(const std::string& path) {
  Engine* const engine = files();
  return engine == nullptr ? -EOPNOTSUPP : engine->unlink(path);
}

// ---- waiting within a turn -----------------------------------------------------------------------------------------

void EngineSet::wait(std::uint32_t us) {
  if (size_ == 0 || (size_ == 1 && members_[0].engine->wait(us))) return;
  const std::int64_t end = now_us_() + us;
  // One that is alone and cannot wait for its device is looked at again and again.
  bool may_sleep = size_ > 1 && sleep_fd_ >= 0;
  poll_all();
  while (!completions_.waiting()) {
    const std::int64_t left = end - now_us_();
    if (left <= 0) return;
    if (may_sleep) {
      const Slept slept = sleep(left);
      if (slept == Slept::kCannot) may_sleep = false;
      // A signal: its handler has to get its turn.
      if (slept == Slept::kInterrupted) return poll_all();
    }
    poll_all();
  }
}

EngineSet::Slept EngineSet::sleep(std::int64_t most_us) {
  bool blind = false;
  const int ms = prepare(blind);
  if (ms == 0) return Slept::kWorkWaiting;
  if (ms > 0) most_us = std::min<std::int64_t>(most_us, std::int64_t{ms} * 1000);
  int woken = 0;
  if (!blind) {
    pollfd fd{sleep_fd_, POLLIN, 0};
    const timespec time{static_cast<time_t>(most_us / 1'000'000), static_cast<long>(most_us % 1'000'000) * 1000};
    woken = ::ppoll(&fd, 1, &time, nullptr);
  }
  end_sleep();
  if (blind) return Slept::kCannot;
  return woken < 0 ? Slept::kInterrupted : Slept::kWoken;
}

// ---- sleeping in Node's loop ---------------------------------------------------------------------------------------

// `blind`: an engine wants to be looked at after a while, and nothing would wake a sleeper for it.
int EngineSet::prepare(bool& blind) {
  int least = -1;
  for (std::size_t i = 0; i < size_; ++i) {
    const int ms = members_[i].engine->prepare_sleep();
    if (ms == 0) {
      for (std::size_t k = 0; k <= i; ++k) members_[k].engine->end_sleep();
      return 0;
    }
    if (ms < 0) continue;
    if (members_[i].sleep_fd < 0) blind = true;
    least = least < 0 ? ms : std::min(least, ms);
  }
  // A last look may have completed something, and nobody would be woken for that.
  if (completions_.waiting()) {
    end_sleep();
    return 0;
  }
  return least;
}

void EngineSet::end_sleep() {
  for (std::size_t i = 0; i < size_; ++i) members_[i].engine->end_sleep();
}

std::uint32_t EngineSet::tend_every_ms() const {
  std::uint32_t least = 0;
  for_each([&](const std::string&, const Engine& engine) {
    const std::uint32_t ms = engine.tend_every_ms();
    if (ms != 0) least = least == 0 ? ms : std::min(least, ms);
  });
  return least;
}

}  // namespace demi
