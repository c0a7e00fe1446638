#include "farewells.hpp"

#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace demi::posix {

namespace {

using Clock = std::chrono::steady_clock;

// Nothing tells when the last byte was acknowledged: look so often.
constexpr std::chrono::milliseconds kLook{10};
// The thread ends when there was nothing to do for so long.
constexpr std::chrono::milliseconds kIdle{500};
constexpr int kHeardAtOnce = 64;
// Thrown away of one peer before others get their turn.
constexpr int kReads = 16;
constexpr std::size_t kRead = 1u << 20;

void set_linger(int fd, bool on) {
  const linger none{on ? 1 : 0, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

enum class Heard : std::uint8_t { kNothing, kBytes, kEnd };

// MSG_TRUNC: TCP throws the bytes away without copying them (tcp(7)).
Heard throw_away(int fd) {
  Heard heard = Heard::kNothing;
  for (int i = 0; i < kReads; ++i) {
    const ssize_t n = ::recv(fd, nullptr, kRead, MSG_TRUNC | MSG_DONTWAIT);
    if (n > 0) {
      heard = Heard::kBytes;
    } else if (n == 0) {
      return Heard::kEnd;
    } else if (errno != EINTR) {
      return errno == EAGAIN ? heard : Heard::kEnd;
    }
  }
  return heard;
}

bool all_acknowledged(int fd) {
  int unsent = 0;
  return ::ioctl(fd, SIOCOUTQ, &unsent) != 0 || unsent == 0;
}

struct Farewell {
  int fd;
  bool reset;  // at the deadline
  Clock::time_point deadline;
  Clock::time_point heard{};  // the last bytes of the peer's
  bool ended = false;         // it has no more to say
};

void part(const Farewell& one, bool reset) {
  throw_away(one.fd);
  if (reset) set_linger(one.fd, true);
  ::close(one.fd);
}

}  // namespace

struct Farewells::Shared {
  explicit Shared(std::size_t most) : most(most) {}

  const std::size_t most;
  std::mutex mutex;
  std::vector<Farewell> arriving;
  bool running = false;
  int wake = -1;  // an eventfd, for what arrives
  int epoll = -1;
  std::atomic<std::uint32_t> under_way{0};

  ~Shared() {
    for (const Farewell& one : arriving) part(one, false);
    if (wake >= 0) ::close(wake);
    if (epoll >= 0) ::close(epoll);
  }
  bool open();
  bool start(const std::shared_ptr<Shared>& self);
};

namespace {

// The thread's side.
class Round {
 public:
  Round(int epoll, std::size_t most) : epoll_(epoll), most_(most) {}

  bool empty() const { return ones_.empty(); }

  void add(Farewell one) {
    if (!ones_.empty() && ones_.size() >= most_) end(ones_.begin(), false);
    ones_.push_back(one);
    if (one.ended) return;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.ptr = &ones_.back();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event);
  }

  // Waits for a peer to say something, for one to be added, or for the next look. False: nothing of it came.
  bool listen(int wake) {
    std::array<epoll_event, kHeardAtOnce> events;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - Clock::now());
    const auto timeout = ones_.empty() ? kIdle : std::max(left, std::chrono::milliseconds{0});
    const int n = ::epoll_wait(epoll_, events.data(), kHeardAtOnce, static_cast<int>(timeout.count()));
    const auto now = Clock::now();
    for (int i = 0; i < n; ++i) {
      auto* const one = static_cast<Farewell*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (one == nullptr) {
        std::uint64_t signals;
        [[maybe_unused]] const ssize_t r = ::read(wake, &signals, sizeof signals);
        continue;
      }
      const Heard heard = throw_away(one->fd);
      if (heard == Heard::kBytes) one->heard = now;
      if (heard == Heard::kEnd) ended(*one);
    }
    return n > 0;
  }

  // Ends those that are done. Seldomer where there are many: each is a call of the kernel's.
  void look() {
    const auto now = Clock::now();
    if (now < next_look_) return;
    next_look_ = now + kLook * (1 + ones_.size() / 256);
    for (auto one = ones_.begin(); one != ones_.end();) {
      const auto next = std::next(one);
      const bool silent = one->ended || now - one->heard >= Farewells::kSilence;
      if (now >= one->deadline) {
        end(one, one->reset);
      } else if (silent && all_acknowledged(one->fd)) {
        end(one, false);
      }
      one = next;
    }
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(ones_.size()); }

 private:
  // The kernel delivers what is left by itself, but where it is not to take longer than the application has said.
  void ended(Farewell& one) {
    one.ended = true;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, one.fd, nullptr);
    if (!one.reset) one.deadline = next_look_ = Clock::time_point{};
  }

  void end(std::list<Farewell>::iterator one, bool reset) {
    if (!one->ended) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, one->fd, nullptr);
    part(*one, reset);
    ones_.erase(one);
  }

  int epoll_;
  std::size_t most_;
  std::list<Farewell> ones_;  // oldest first; epoll has their addresses
  Clock::time_point next_look_{};
};

}  // namespace

Farewells::Farewells(std::size_t most) {
  // A descriptor each, of those the application needs for what is open.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) most = std::min<std::size_t>(most, files.rlim_cur / 4);
  shared_ = std::make_shared<Shared>(most);
}
Farewells::~Farewells() = default;

std::uint32_t Farewells::under_way() const { return shared_->under_way.load(std::memory_order_relaxed); }

void Farewells::take(int fd, int linger) {
  ::shutdown(fd, SHUT_WR);
  if (linger >= 0) set_linger(fd, false);  // close(2) must not wait
  const auto patience = linger >= 0 ? std::chrono::seconds(linger) : kPatience;
  Farewell one{fd, linger >= 0, Clock::now() + patience};
  // What is unread now was said to the application: the peer may be in the middle of it.
  switch (throw_away(fd)) {
    case Heard::kEnd:
      if (linger < 0 || all_acknowledged(fd)) {
        ::close(fd);
        return;
      }
      one.ended = true;
      break;
    case Heard::kBytes:
      one.heard = Clock::now();
      break;
    case Heard::kNothing:
      break;
  }
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->running && !shared_->start(shared_)) return part(one, false);
  shared_->arriving.push_back(one);
  shared_->under_way.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t signal = 1;
  [[maybe_unused]] const ssize_t n = ::write(shared_->wake, &signal, sizeof signal);
}

bool Farewells::Shared::open() {
  if (wake < 0) wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake < 0 || epoll >= 0) return wake >= 0;
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  return epoll >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0;
}

// Under the lock. The thread keeps what it works on alive by itself: the libOS may be gone long before.
bool Farewells::Shared::start(const std::shared_ptr<Shared>& self) {
  if (!open()) return false;
  // Signals are for the thread that runs JavaScript.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([shared = self] {
      ::pthread_setname_np(::pthread_self(), "demi-farewells");
      Round round(shared->epoll, shared->most);
      for (;;) {
        const bool heard = round.listen(shared->wake);
        round.look();
        std::vector<Farewell> arriving;
        {
          const std::lock_guard lock(shared->mutex);
          arriving.swap(shared->arriving);
          shared->under_way.store(round.size() + static_cast<std::uint32_t>(arriving.size()),
                                  std::memory_order_relaxed);
          if (arriving.empty() && round.empty() && !heard) {
            shared->running = false;
            return;
          }
        }
        // Not under the lock, which take() waits for on the application's thread.
        for (const Farewell& one : arriving) round.add(one);
      }
    }).detach();
    running = true;
  } catch (const std::system_error&) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return running;
}

}  // namespace demi::posix
