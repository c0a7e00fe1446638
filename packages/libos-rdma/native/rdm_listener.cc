#include "rdm_listener.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "demi/net/retry_lists.hpp"
#include "rdm_endpoint.hpp"

namespace demi::rdma {

namespace {

// Callers that have said nothing: how many there may be, and for how long.
constexpr std::size_t kMostCallers = 256;
constexpr std::chrono::seconds kPatience{5};
// Accepted at one look; those who are left are there at the next.
constexpr int kAccepts = 64;

}  // namespace

// ---- requests -------------------------------------------------------------------------------------------------------

std::unique_ptr<Endpoint> RdmRequest::take(EndpointEvents& events, int& error) {
  auto endpoint = std::make_unique<RdmEndpoint>(fabric_, events, std::move(fd_));
  endpoint->set_addresses(local_, hello_.address);
  if (error = endpoint->meet(hello_); error != 0) return nullptr;
  return endpoint;
}

void RdmRequest::reject(std::span<const std::uint8_t> data) {
  if (fd_.get() < 0) return;
  Introduction no;
  no.kind = Introduction::Kind::kReject;
  no.data.assign(data.begin(), data.end());
  send_introduction(fd_.get(), no);
}

// ---- listening ------------------------------------------------------------------------------------------------------

RdmListener::~RdmListener() {
  if (watched_ != 0) fabric_.watches().remove(watched_);
  if (timer_watched_ != 0) fabric_.watches().remove(timer_watched_);
  for (auto& [key, caller] : callers_) fabric_.watches().remove(caller.watched);
}

int RdmListener::listen(ListenerEvents& events) {
  events_ = &events;
  timer_ = OwnFd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (timer_.get() < 0 || ::listen(fd_.get(), SOMAXCONN) != 0) return -errno;
  resume();
  timer_watched_ = fabric_.watches().add(timer_.get(), [this] { on_timer(); });
  return 0;
}

void RdmListener::resume() {
  if (watched_ == 0) watched_ = fabric_.watches().add(fd_.get(), [this] { on_readable(); });
}

int RdmListener::local_address(Address& out) const {
  out = at_;
  return 0;
}

void RdmListener::on_readable() {
  for (int n = 0; n < kAccepts; ++n) {
    OwnFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
      if (!net::descriptor_shortage(-errno)) return;
      // The socket would be readable all the time.
      fabric_.watches().remove(std::exchange(watched_, 0));
      return events_->on_paused();
    }
    if (!same_user(fd.get())) continue;
    Introduction hello;
    if (const int error = receive_introduction(fd.get(), hello); error != -EAGAIN) {
      on_hello(std::move(fd), error, hello);
      continue;
    }
    // An honest caller speaks at once: who has been silent for longest makes room.
    if (callers_.size() >= kMostCallers) dismiss(callers_.begin());
    const std::uint64_t key = next_caller_++;
    Caller& caller = callers_[key];
    caller.fd = std::move(fd);
    caller.watched = fabric_.watches().add(caller.fd.get(), [this, key] { on_caller_readable(key); });
    caller.until = Clock::now() + kPatience;
    if (callers_.size() == 1) set_timer();
  }
}

void RdmListener::on_caller_readable(std::uint64_t key) {
  const auto found = callers_.find(key);
  if (found == callers_.end()) return;
  Introduction hello;
  const int error = receive_introduction(found->second.fd.get(), hello);
  if (error != -EAGAIN) on_hello(dismiss(found), error, hello);
}

void RdmListener::on_hello(OwnFd fd, int error, const Introduction& hello) {
  if (error != 0 || hello.kind != Introduction::Kind::kHello) return;
  RdmRequest request(fabric_, std::move(fd), hello, at_);
  events_->on_request(request);
}

OwnFd RdmListener::dismiss(std::map<std::uint64_t, Caller>::iterator caller) {
  fabric_.watches().remove(caller->second.watched);
  OwnFd fd = std::move(caller->second.fd);
  callers_.erase(caller);
  return fd;
}

void RdmListener::on_timer() {
  std::uint64_t times = 0;
  (void)!::read(timer_.get(), &times, sizeof times);
  while (!callers_.empty() && callers_.begin()->second.until <= Clock::now()) dismiss(callers_.begin());
  if (!callers_.empty()) set_timer();
}

// For the one who has been silent for longest.
void RdmListener::set_timer() {
  const auto at = callers_.begin()->second.until.time_since_epoch();
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(at);
  itimerspec when{};
  when.it_value.tv_sec = whole.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(at - whole).count();
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace demi::rdma
