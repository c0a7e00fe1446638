#include "rdm_endpoint.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "demi/net/retry_lists.hpp"

namespace demi::rdma {

namespace {

// Callers that have said nothing: so many, for so long.
constexpr std::size_t kMostCallers = 256;
constexpr std::chrono::seconds kPatience{5};
// Accepted at one look; those who are left are there at the next.
constexpr int kAccepts = 64;

}  // namespace

RdmEndpoint::RdmEndpoint(RdmFabric& fabric, EndpointEvents& events, OwnFd fd)
    : fabric_(fabric),
      events_(events),
      fd_(std::move(fd)),
      watched_(fabric.watches().add(fd_.get(), [this] { on_readable(); })),
      id_(fabric.demux().enter(*this)),
      cookie_(fabric.fresh_cookie()) {}

RdmEndpoint::~RdmEndpoint() {
  fabric_.watches().remove(watched_);
  fabric_.demux().leave(id_);
  if (peer_ != nullptr) fabric_.peers().part(peer_name_);
}

void RdmEndpoint::set_addresses(const Address& local, const Address& peer) {
  local_ = local;
  remote_ = peer;
}
int RdmEndpoint::local_address(Address& out) const {
  out = local_;
  return 0;
}
int RdmEndpoint::peer_address(Address& out) const {
  out = remote_;
  return 0;
}

// ---- rendezvous -----------------------------------------------------------------------------------------------------

int RdmEndpoint::introduce(Introduction::Kind kind, std::span<const std::uint8_t> data) {
  return send_introduction(fd_.get(), {.kind = kind,
                                       .id = id_,
                                       .cookie = cookie_,
                                       .address = local_,
                                       .name = fabric_.name(),
                                       .data = {data.begin(), data.end()}});
}

int RdmEndpoint::connect(std::span<const std::uint8_t> data) {
  connecting_ = true;
  const int error = introduce(Introduction::Kind::kHello, data);
  // Whoever listened has hung up already.
  return error == -EPIPE || error == -ECONNRESET ? -ECONNREFUSED : error;
}

int RdmEndpoint::meet(const Introduction& peer) {
  peer_ = fabric_.peers().meet(peer.name);
  if (peer_ == nullptr) return -ENOBUFS;
  peer_name_ = peer.name;
  peer_id_ = peer.id;
  peer_cookie_ = peer.cookie;
  return 0;
}

int RdmEndpoint::accept(std::span<const std::uint8_t> data) {
  to_tell_ = true;
  // Told by our own socket: it can be written to, which is asked for once.
  fabric_.watches().remove(watched_);
  watched_ = fabric_.watches().add(
      fd_.get(), [this] { on_readable(); }, true);
  return introduce(Introduction::Kind::kAccept, data);
}

void RdmEndpoint::on_readable() {
  if (std::exchange(to_tell_, false)) {
    fabric_.watches().remove(watched_);
    watched_ = fabric_.watches().add(fd_.get(), [this] { on_readable(); });
    return events_.on_connected({});
  }
  if (!std::exchange(connecting_, false)) {
    if (!peer_ended(fd_.get())) return;
    // What it sent before lies in our memory.
    fabric_.shared().drain();
    fabric_.watches().remove(watched_);
    return events_.on_disconnected();
  }
  Introduction answer;
  const int error = receive_introduction(fd_.get(), answer);
  if (error == -EAGAIN) {
    connecting_ = true;
    return;
  }
  if (error != 0) return events_.on_refused(error == -ECONNRESET ? -ECONNREFUSED : error, {});
  if (answer.kind == Introduction::Kind::kReject) return events_.on_refused(-ECONNREFUSED, answer.data);
  if (answer.kind != Introduction::Kind::kAccept) return events_.on_refused(-EPROTO, {});
  if (const int failed = meet(answer); failed != 0) return events_.on_refused(failed, {});
  events_.on_connected(answer.data);
}

// ---- messages -------------------------------------------------------------------------------------------------------

int RdmEndpoint::post(std::uint8_t* memory, std::size_t bytes, Work& work) {
  posted_.push_back({memory, bytes, &work});
  return 0;
}

int RdmEndpoint::inject(std::span<const iovec> pieces) {
  if (peer_ == nullptr) return -ENOTCONN;
  return fabric_.shared().send(*peer_, peer_id_, peer_cookie_, pieces);
}

void RdmEndpoint::on_message(std::uint32_t cookie, std::span<const std::uint8_t> message) {
  // Of a connection that had this number before.
  if (cookie != cookie_) return;
  if (posted_.empty()) return events_.on_failed(-EPROTO);
  // Any will do: the one that was posted last is still in the cache.
  const Posted to = posted_.back();
  posted_.pop_back();
  if (message.size() > to.bytes) return events_.on_failed(-EMSGSIZE);
  std::memcpy(to.memory, message.data(), message.size());
  to.work->owner->on_received(*to.work, static_cast<std::uint32_t>(message.size()));
}

// ---- requests and listening -----------------------------------------------------------------------------------------

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
