#include "libfabric.hpp"

#include <rdma/fi_errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "libfabric_endpoint.hpp"

namespace demi::rdma {

namespace {

constexpr int kRounds = 8;
// Connections come and go far less often than messages.
constexpr std::uint32_t kPollsPerEvents = 64;
constexpr std::size_t kMostIovecs = 8;

// Of all libOSes of the process, held while one opens or closes: looking for devices, opening them and closing them changes tables of
// libfabric 1.17's verbs and of librdmacm that threads share without a lock (ofiwg/libfabric#10736, #5860). Recursive: one that does not
// open closes what it has.
std::recursive_mutex opening;

}  // namespace

std::unique_ptr<Libfabric> Libfabric::open(const FabricOptions& options, std::string& message, int& error) {
  const std::lock_guard lock(opening);
  std::unique_ptr<Libfabric> self(new Libfabric());
  error = self->device_.find(options, message);
  if (error == 0) error = self->open_queues(options, message);
  return error == 0 ? std::move(self) : nullptr;
}

int Libfabric::open_queues(const FabricOptions& options, std::string& message) {
  const bool tcp = device_.is_tcp();
  const std::size_t entries = std::min<std::size_t>(options.works, LibfabricCompletions::kMostEntries);
  if (const int error = device_.open(message); error != 0) return error;
  if (const int error = events_.open(device_.fabric(), message); error != 0) return error;
  if (const int error = completions_.open(device_.domain(), tcp, entries, message); error != 0) return error;

  // Of a request that is rejected verbs keeps the connection manager's identifier until the end of the process (fixed in 1.21:
  // ofiwg/libfabric#9622). So the first are told why, and the others nothing: no peer can make that grow.
  leaks_rejected_ = !tcp && FI_VERSION_LT(fi_version(), FI_VERSION(1, 21));
  const fi_tx_attr& sending = *device_.info().tx_attr;
  most_pieces_ = std::min(sending.iov_limit, kMostIovecs);
  // On verbs each send has a completion anyway.
  if (tcp) most_injected_ = std::min(sending.inject_size, kMostInjected);
  // A Work is taken from posting it until its completion was read: as there are no more than entries, the device's queue never
  // overruns. Tcp's grows.
  works_.make(tcp ? options.works : static_cast<std::uint32_t>(entries));
  return open_wait(message);
}

int Libfabric::open_wait(std::string& message) {
  wait_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (wait_fd_ < 0) return call_failed("epoll_create1", -errno, message);
  for (fid* const waited : {&events_.queue().fid, &completions_.waited()}) {
    int fd = -1;
    if (const int error = fi_control(waited, FI_GETWAIT, &fd); error != 0)
      return call_failed("FI_GETWAIT", error, message);
    if (waited == &completions_.waited()) completions_.set_wait_fd(fd);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(wait_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return call_failed("epoll_ctl", -errno, message);
  }
  return 0;
}

// In the order in which it has to be, and all of it under the lock.
Libfabric::~Libfabric() {
  const std::lock_guard lock(opening);
  resting_.close_all();
  if (wait_fd_ >= 0) ::close(wait_fd_);
  completions_.close();
  events_.close();
  device_.close();
}

// ---- endpoints ------------------------------------------------------------------------------------------------------

std::unique_ptr<LibfabricEndpoint> Libfabric::make_endpoint(fi_info& info, EndpointEvents& events, int& error) {
  fid_ep* made = nullptr;
  if (error = fi_endpoint(&device_.domain(), &info, &made, nullptr); error != 0) return nullptr;
  info.handle = nullptr;
  auto endpoint = std::make_unique<LibfabricEndpoint>(*this, Fid<fid_ep>(made), events);
  if (error = fi_ep_bind(made, &events_.queue().fid, 0); error != 0) return nullptr;
  if (error = completions_.bind(*made); error != 0) return nullptr;
  if (error = fi_enable(made); error != 0) return nullptr;
  objects_[&made->fid] = {endpoint.get(), nullptr};
  return endpoint;
}

std::unique_ptr<Endpoint> Libfabric::endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                              int& error) {
  const Info info = device_.info_for(from, to);
  if (!info) {
    error = -ENOMEM;
    return nullptr;
  }
  auto endpoint = make_endpoint(*info, events, error);
  if (endpoint) endpoint->set_destination(to);
  return endpoint;
}

int Libfabric::connect(Endpoint& endpoint, std::span<const std::uint8_t> data) {
  events_due_ = true;
  return static_cast<LibfabricEndpoint&>(endpoint).connect(data);
}

void Libfabric::forget(const fid& of) {
  objects_.erase(&of);
  events_.forget(of);
}

// ---- listeners ------------------------------------------------------------------------------------------------------

std::unique_ptr<Listener> Libfabric::bind(const Address& to, int& error) {
  if (auto resting = resting_.wake(to)) {
    fid_pep* const again = resting.get();
    auto listener = std::make_unique<LibfabricListener>(*this, std::move(resting), true);
    objects_[&again->fid] = {nullptr, listener.get()};
    return listener;
  }
  const Info info = device_.info_for(to, {});
  error = -ENOMEM;
  if (!info) return nullptr;
  fid_pep* made = nullptr;
  if (error = fi_passive_ep(&device_.fabric(), info.get(), &made, nullptr); error != 0) return nullptr;
  auto listener = std::make_unique<LibfabricListener>(*this, Fid<fid_pep>(made), false);
  if (error = fi_pep_bind(made, &events_.queue().fid, 0); error != 0) return nullptr;
  objects_[&made->fid] = {nullptr, listener.get()};
  return listener;
}

void Libfabric::reject(fid_pep& listener, fi_info& request, std::span<const std::uint8_t> data) {
  if (leaks_rejected_ && (data.empty() || leaks_left_ == 0)) {
    // What libfabric would forget is an endpoint's, which rejects without a word when it is closed.
    fid_ep* made = nullptr;
    if (fi_endpoint(&device_.domain(), &request, &made, nullptr) == 0) return void(fi_close(&made->fid));
  } else if (leaks_rejected_) {
    --leaks_left_;
  }
  fi_reject(&listener, request.handle, data.data(), data.size());
}

void Libfabric::reject_requests(fid_pep& listener) {
  for (const Info& request : events_.take_requests(listener.fid)) reject(listener, *request, {});
  events_due_ = events_due_ || events_.any_kept();
}

void Libfabric::rest(Fid<fid_pep> listener, const Address& address) {
  if (device_.is_tcp()) resting_.add(std::move(listener), address);
}

// ---- polling --------------------------------------------------------------------------------------------------------

bool Libfabric::poll() {
  works_.begin_read();
  bool any = false;
  bool drained = false;
  completions_.begin_poll();
  // Messages are handed on before the device is asked for more.
  const auto enough = [this] { return completions_.arrived() && completions_.emptied() && !works_.any_leaving(); };
  for (int round = 0; round < kRounds && !drained && !enough(); ++round) {
    drained = !poll_completions();
    any = any || !drained;
  }
  // What could name these has been read.
  if (drained && works_.any_leaving()) works_.end_read();
  if (events_due_ || ++polls_ % kPollsPerEvents == 0) {
    events_due_ = poll_events();
    any = any || events_due_;
  }
  return any;
}

// False: there are no more now.
bool Libfabric::poll_completions() {
  // From time to time also without: what was injected may wait in libfabric for room in a socket.
  const bool thorough = works_.any_leaving() || polls_ % kPollsPerEvents == 0;
  return completions_.read(thorough, objects_.size());
}

bool Libfabric::poll_events() {
  resting_.close_due();
  LibfabricEvent event;
  if (!events_.next(event)) return false;
  dispatch(std::move(event));
  return true;
}

void Libfabric::dispatch(LibfabricEvent event) {
  const auto found = objects_.find(event.of);
  if (found == objects_.end()) {
    fid_pep* const resting = resting_.find(event.of);
    if (resting != nullptr && event.kind == FI_CONNREQ) reject(*resting, *event.info, {});
    return;
  }
  const auto [endpoint, listener] = found->second;
  if (listener != nullptr) {
    if (event.kind == FI_CONNREQ) listener->on_request(std::move(event.info), event.data);
    return;
  }
  switch (event.kind) {
    case 0:
      return endpoint->events().on_refused(event.error, event.data);
    case FI_CONNECTED:
      return endpoint->events().on_connected(event.data);
    case FI_SHUTDOWN:
      // What it sent before is in the completion queue.
      while (poll_completions()) {
      }
      if (objects_.contains(event.of)) endpoint->events().on_disconnected();
      return;
    default:
      return;
  }
}

bool Libfabric::may_wait() {
  fid* waited[2] = {&events_.queue().fid, &completions_.waited()};
  // After a sleep both are looked at.
  events_due_ = true;
  return !events_.any_kept() && !works_.any_retired() && fi_trywait(&device_.fabric(), waited, 2) == 0;
}

void Libfabric::retire(Work& work) {
  work.owner = nullptr;
  completions_.retire(work);
  works_.retire(work);
}

}  // namespace demi::rdma
