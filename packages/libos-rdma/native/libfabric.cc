#include "libfabric.hpp"

#include <poll.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "libfabric_endpoint.hpp"

namespace demi::rdma {

namespace {

// rxe and others have 32767 entries at most.
constexpr std::size_t kMostCompletions = 32767;
constexpr int kBatch = 128;
constexpr int kRounds = 8;
// Connections come and go far less often than messages.
constexpr std::uint32_t kPollsPerEvents = 64;
constexpr std::size_t kMostIovecs = 8;
constexpr std::size_t kFewObjects = 32;

// Of all libOSes of the process, held while one opens or closes: looking for devices, opening them and closing them changes tables of
// libfabric 1.17's verbs and of librdmacm that threads share without a lock (ofiwg/libfabric#10736, #5860). Recursive: one that does not
// open closes what it has.
std::recursive_mutex opening;

Info make_hints(const FabricOptions& options, const std::string& provider) {
  Info hints(fi_allocinfo());
  if (!hints) return nullptr;
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;  // Work::reserved
  hints->ep_attr->type = FI_EP_MSG;
  // Memory is registered and its descriptor passed always, also where a provider would do without.
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->rx_attr->size = options.receives_per_endpoint;
  hints->fabric_attr->prov_name = ::strdup(provider.c_str());
  if (!options.device.empty()) hints->domain_attr->name = ::strdup(options.device.c_str());
  return hints;
}

int find(const FabricOptions& options, const std::string& provider, Info& out) {
  const Info hints = make_hints(options, provider);
  if (!hints) return -ENOMEM;
  fi_info* found = nullptr;
  std::string host;
  if (options.address.family != 0) host = options.address.host();
  const int error = fi_getinfo(FI_VERSION(1, 17), host.empty() ? nullptr : host.c_str(), nullptr,
                               host.empty() ? 0 : FI_SOURCE, hints.get(), &found);
  out.reset(found);
  return error;
}

}  // namespace

std::unique_ptr<Libfabric> Libfabric::open(const FabricOptions& options, std::string& message, int& error) {
  const std::lock_guard lock(opening);
  std::unique_ptr<Libfabric> self(new Libfabric());
  const bool choose = options.provider == "auto";
  error = find(options, choose ? "verbs" : options.provider, self->info_);
  if (error != 0 && choose) error = find(options, "tcp", self->info_);
  if (error != 0) {
    const std::string provider = choose ? "neither verbs nor tcp" : "provider " + options.provider;
    message = provider + ": libfabric finds no device for it";
    if (!options.device.empty()) message += " named \"" + options.device + "\"";
    if (options.address.family != 0) message += " with the address " + options.address.host();
    message += " (" + std::string(fi_strerror(-error)) + ")";
    error = error == -FI_ENODATA ? -ENODEV : error;
    return nullptr;
  }
  error = self->open_queues(options, message);
  return error == 0 ? std::move(self) : nullptr;
}

int Libfabric::open_queues(const FabricOptions& options, std::string& message) {
  const auto failed = [&](const char* what, int error) {
    message = std::string(what) + ": " + fi_strerror(-error);
    return error;
  };
  const auto made = [](auto& out, auto* fid) { out.reset(fid); };
  fid_fabric* fabric = nullptr;
  if (const int error = fi_fabric(info_->fabric_attr, &fabric, nullptr); error != 0) return failed("fi_fabric", error);
  made(fabric_, fabric);
  fid_domain* domain = nullptr;
  if (const int error = fi_domain(fabric, info_.get(), &domain, nullptr); error != 0) return failed("fi_domain", error);
  made(domain_, domain);
  fi_eq_attr event_queue{};
  event_queue.wait_obj = FI_WAIT_FD;
  fid_eq* events = nullptr;
  if (const int error = fi_eq_open(fabric, &event_queue, &events, nullptr); error != 0)
    return failed("fi_eq_open", error);
  made(events_, events);
  fi_cq_attr completion_queue{};
  completion_queue.size = std::min<std::size_t>(options.works, kMostCompletions);
  completion_queue.format = FI_CQ_FORMAT_MSG;
  const bool tcp = std::string_view(provider()) == "tcp";
  completion_queue.wait_obj = tcp ? FI_WAIT_NONE : FI_WAIT_FD;
  fid_cq* completions = nullptr;
  if (const int error = fi_cq_open(domain, &completion_queue, &completions, nullptr); error != 0)
    return failed("fi_cq_open", error);
  made(completions_, completions);
  if (tcp) {
    completion_queue.wait_obj = FI_WAIT_FD;
    fid_cq* sends = nullptr;
    if (const int error = fi_cq_open(domain, &completion_queue, &sends, nullptr); error != 0)
      return failed("fi_cq_open", error);
    made(sends_, sends);
  }

  // Of a request that is rejected verbs keeps the connection manager's identifier until the end of the process (mended in 1.21:
  // ofiwg/libfabric#9622). So the first are told why, and the others nothing: no peer can make that grow.
  leaks_rejected_ = !tcp && FI_VERSION_LT(fi_version(), FI_VERSION(1, 21));
  most_pieces_ = std::min(info_->tx_attr->iov_limit, kMostIovecs);
  // On verbs each send has a completion anyway.
  if (tcp) most_injected_ = std::min(info_->tx_attr->inject_size, kMostInjected);
  // A Work is taken from posting it until its completion was read: as there are no more than entries, the device's queue never
  // overruns. Tcp's grows.
  most_works_ = tcp ? options.works : static_cast<std::uint32_t>(completion_queue.size);
  works_.push_back(std::make_unique<Work[]>(most_works_));
  for (std::uint32_t n = most_works_; n-- > 0;) free_.push_back(&works_.back()[n]);

  int descriptors[2] = {-1, -1};
  wait_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (wait_fd_ < 0) return failed("epoll_create1", -errno);
  fid* const waited[2] = {&events->fid, waited_queue()};
  for (int i = 0; i < 2; ++i) {
    if (const int error = fi_control(waited[i], FI_GETWAIT, &descriptors[i]); error != 0)
      return failed("FI_GETWAIT", error);
    queue_fd_ = descriptors[i];  // the second
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptors[i]}};
    if (::epoll_ctl(wait_fd_, EPOLL_CTL_ADD, descriptors[i], &event) != 0) return failed("epoll_ctl", -errno);
  }
  return 0;
}

Libfabric::~Libfabric() {
  const std::lock_guard lock(opening);
  while (!resting_.empty()) end_rest(true);
  waiting_events_.clear();
  if (wait_fd_ >= 0) ::close(wait_fd_);
  sends_.reset();
  completions_.reset();
  events_.reset();
  memory_.reset();
  domain_.reset();
  fabric_.reset();
}

int Libfabric::register_memory(std::span<std::uint8_t> memory) {
  fid_mr* region = nullptr;
  const int error =
      fi_mr_reg(domain_.get(), memory.data(), memory.size(), FI_SEND | FI_RECV, 0, 1, 0, &region, nullptr);
  if (error == 0) memory_.reset(region);
  return error;
}

// ---- endpoints ------------------------------------------------------------------------------------------------------

Info Libfabric::info_for(const Address& from, const Address& to) const {
  Info info(fi_dupinfo(info_.get()));
  if (!info) return nullptr;
  const auto set = [](void*& where, std::size_t& length, const Address& address) {
    std::free(std::exchange(where, nullptr));
    length = 0;
    if (address.family == 0) return;
    sockaddr_storage storage;
    length = address.to_sockaddr(storage);
    where = std::malloc(length);
    if (where != nullptr) std::memcpy(where, &storage, length);
  };
  // What the options say, unless the socket was bound.
  const bool own = from.family == 0 && info->src_addr != nullptr;
  const int family = to.family != 0 ? to.family : from.family;
  info->addr_format = family == 6 ? FI_SOCKADDR_IN6 : FI_SOCKADDR_IN;
  if (own && static_cast<const sockaddr*>(info->src_addr)->sa_family != (family == 6 ? AF_INET6 : AF_INET)) {
    set(info->src_addr, info->src_addrlen, {});
  } else if (!own) {
    set(info->src_addr, info->src_addrlen, from);
  }
  set(info->dest_addr, info->dest_addrlen, to);
  info->handle = nullptr;
  return info;
}

std::unique_ptr<LibfabricEndpoint> Libfabric::make_endpoint(fi_info& info, EndpointEvents& events, int& error) {
  fid_ep* made = nullptr;
  if (error = fi_endpoint(domain_.get(), &info, &made, nullptr); error != 0) return nullptr;
  info.handle = nullptr;
  auto endpoint = std::make_unique<LibfabricEndpoint>(*this, Fid<fid_ep>(made), events);
  if (error = fi_ep_bind(made, &events_->fid, 0); error != 0) return nullptr;
  const std::uint64_t both = FI_TRANSMIT | FI_RECV;
  if (error = fi_ep_bind(made, &completions_->fid, sends_ ? FI_RECV : both); error != 0) return nullptr;
  if (sends_ && (error = fi_ep_bind(made, &sends_->fid, FI_TRANSMIT)) != 0) return nullptr;
  if (error = fi_enable(made); error != 0) return nullptr;
  objects_[&made->fid] = {endpoint.get(), nullptr};
  return endpoint;
}

std::unique_ptr<Endpoint> Libfabric::endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                              int& error) {
  const Info info = info_for(from, to);
  if (!info) {
    error = -ENOMEM;
    return nullptr;
  }
  auto endpoint = make_endpoint(*info, events, error);
  if (endpoint) endpoint->set_destination(to);
  return endpoint;
}

void Libfabric::reject(fid_pep& listener, fi_info& request, std::span<const std::uint8_t> data) {
  if (leaks_rejected_ && (data.empty() || leaks_left_ == 0)) {
    // What libfabric would forget is an endpoint's, which rejects without a word when it is closed.
    fid_ep* made = nullptr;
    if (fi_endpoint(domain_.get(), &request, &made, nullptr) == 0) return void(fi_close(&made->fid));
  } else if (leaks_rejected_) {
    --leaks_left_;
  }
  fi_reject(&listener, request.handle, data.data(), data.size());
}

int Libfabric::connect(Endpoint& endpoint, std::span<const std::uint8_t> data) {
  events_due_ = true;
  return static_cast<LibfabricEndpoint&>(endpoint).connect(data);
}

std::unique_ptr<Listener> Libfabric::bind(const Address& to, int& error) {
  if (auto resting = wake(to)) {
    fid_pep* const again = resting.get();
    auto listener = std::make_unique<LibfabricListener>(*this, std::move(resting), true);
    objects_[&again->fid] = {nullptr, listener.get()};
    return listener;
  }
  const Info info = info_for(to, {});
  error = -ENOMEM;
  if (!info) return nullptr;
  fid_pep* made = nullptr;
  if (error = fi_passive_ep(fabric_.get(), info.get(), &made, nullptr); error != 0) return nullptr;
  auto listener = std::make_unique<LibfabricListener>(*this, Fid<fid_pep>(made), false);
  if (error = fi_pep_bind(made, &events_->fid, 0); error != 0) return nullptr;
  objects_[&made->fid] = {nullptr, listener.get()};
  return listener;
}

// ---- completions ----------------------------------------------------------------------------------------------------

bool Libfabric::poll() {
  leaving_.insert(leaving_.end(), retired_.begin(), retired_.end());
  retired_.clear();
  bool any = false;
  bool drained = false;
  arrived_ = false;
  // Messages are handed on before the device is asked for more.
  const auto enough = [this] { return arrived_ && emptied_ && leaving_.empty(); };
  for (int round = 0; round < kRounds && !drained && !enough(); ++round) {
    drained = !poll_completions();
    any = any || !drained;
  }
  // What could name these has been read.
  if (drained && !leaving_.empty()) {
    free_.insert(free_.end(), leaving_.begin(), leaving_.end());
    leaving_.clear();
  }
  if (events_due_ || ++polls_ % kPollsPerEvents == 0) {
    events_due_ = poll_events();
    any = any || events_due_;
  }
  return any;
}

// False: there are no more now.
bool Libfabric::poll_completions() {
  // From time to time also without: what was injected may wait in libfabric for room in a socket.
  const bool due = sending_ != 0 || !leaving_.empty() || polls_ % kPollsPerEvents == 0;
  const bool sent = sends_ && due && read(*sends_);
  if (!due && emptied_ && objects_.size() > kFewObjects && quiet()) return false;
  return read(*completions_) || sent;
}

// A look at one descriptor instead of all: a queue that cannot be waited on asks each socket in turn.
bool Libfabric::quiet() const {
  if (!sends_) return false;
  pollfd bell{.fd = queue_fd_, .events = POLLIN, .revents = 0};
  return ::poll(&bell, 1, 0) == 0;
}

bool Libfabric::read(fid_cq& queue) {
  fi_cq_msg_entry entries[kBatch];
  const ssize_t n = fi_cq_read(&queue, entries, kBatch);
  if (n == -FI_EAVAIL) {
    emptied_ = false;
    on_completion_error(queue);
    return true;
  }
  emptied_ = n < kBatch;
  for (ssize_t i = 0; i < n; ++i) {
    auto* const work = static_cast<Work*>(entries[i].op_context);
    WorkEvents* const owner = work->owner;
    if (owner == nullptr) continue;
    if (work->sending) {
      if (work->sends != nullptr) {
        --*std::exchange(work->sends, nullptr);
        --sending_;
      }
      owner->on_sent(*work);
    } else {
      arrived_ = true;
      owner->on_received(*work, static_cast<std::uint32_t>(entries[i].len));
    }
  }
  return n > 0;
}

void Libfabric::on_completion_error(fid_cq& queue) {
  fi_cq_err_entry entry{};
  if (fi_cq_readerr(&queue, &entry, 0) < 1) return;
  auto* const work = static_cast<Work*>(entry.op_context);
  if (work == nullptr || work->owner == nullptr) return;
  work->owner->on_failed(entry.err == 0 || entry.err > 255 ? -EIO : -entry.err);
}

// ---- events of connections ------------------------------------------------------------------------------------------

bool Libfabric::poll_events() {
  if (!resting_.empty()) end_rest(false);
  Event event;
  if (!waiting_events_.empty()) {
    event = std::move(waiting_events_.front());
    waiting_events_.pop_front();
  } else if (!read_event(event)) {
    return false;
  }
  tell(std::move(event));
  return true;
}

bool Libfabric::read_event(Event& out) {
  alignas(fi_eq_cm_entry) std::uint8_t bytes[sizeof(fi_eq_cm_entry) + 256];
  const ssize_t n = fi_eq_read(events_.get(), &out.kind, bytes, sizeof bytes, 0);
  if (n == -FI_EAVAIL) {
    // Asked for without room for data: libfabric then lends its own until the next call.
    fi_eq_err_entry entry{};
    if (fi_eq_readerr(events_.get(), &entry, 0) < 0) return false;
    out.kind = 0;
    out.of = entry.fid;
    out.error = entry.err == 0 || entry.err > 255 ? -EIO : -entry.err;
    const auto* const data = static_cast<const std::uint8_t*>(entry.err_data);
    if (data != nullptr) out.data.assign(data, data + entry.err_data_size);
    return true;
  }
  if (n < static_cast<ssize_t>(sizeof(fi_eq_cm_entry))) return false;
  const auto* const entry = reinterpret_cast<const fi_eq_cm_entry*>(bytes);
  out.of = entry->fid;
  if (out.kind == FI_CONNREQ) out.info.reset(entry->info);
  const std::uint8_t* const data = entry->data;
  out.data.assign(data, static_cast<const std::uint8_t*>(bytes) + n);
  return true;
}

void Libfabric::tell(Event event) {
  const auto found = objects_.find(event.of);
  if (found == objects_.end()) {
    const auto resting =
        std::ranges::find_if(resting_, [&](const Resting& one) { return &one.listener->fid == event.of; });
    if (resting != resting_.end() && event.kind == FI_CONNREQ) reject(*resting->listener, *event.info, {});
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

void Libfabric::reject_requests(fid_pep& listener) {
  for (Event event; read_event(event); event = {}) waiting_events_.push_back(std::move(event));
  std::erase_if(waiting_events_, [&](Event& event) {
    if (event.kind != FI_CONNREQ || event.of != &listener.fid) return false;
    reject(listener, *event.info, {});
    return true;
  });
  events_due_ = events_due_ || !waiting_events_.empty();
}

void Libfabric::forget(const fid& of) {
  objects_.erase(&of);
  std::erase_if(waiting_events_, [&](const Event& event) { return event.of == &of; });
}

void Libfabric::rest(Fid<fid_pep> listener, const Address& address) {
  if (std::string_view(provider()) != "tcp") return;
  resting_.push_back({std::move(listener), address, std::chrono::steady_clock::now() + kResting});
  if (resting_.size() > kMostResting) end_rest(true);
}

// The one at this address. Others in its way make room.
Fid<fid_pep> Libfabric::wake(const Address& to) {
  Fid<fid_pep> same;
  for (auto one = resting_.begin(); one != resting_.end();) {
    if (to.port == 0 || one->address.port != to.port) {
      ++one;
      continue;
    }
    reject_requests(*one->listener);
    const Address& at = one->address;
    if (at.family == to.family && at.bytes == to.bytes && at.scope == to.scope) same = std::move(one->listener);
    one = resting_.erase(one);
  }
  return same;
}

void Libfabric::end_rest(bool oldest) {
  while (!resting_.empty() && (oldest || resting_.front().until < std::chrono::steady_clock::now())) {
    oldest = false;
    reject_requests(*resting_.front().listener);
    resting_.pop_front();
  }
}

bool Libfabric::may_wait() {
  fid* waited[2] = {&events_->fid, waited_queue()};
  // After a sleep both are looked at.
  events_due_ = true;
  return waiting_events_.empty() && retired_.empty() && leaving_.empty() && fi_trywait(fabric_.get(), waited, 2) == 0;
}

// ---- works ----------------------------------------------------------------------------------------------------------

Work* Libfabric::work() {
  if (free_.empty()) return nullptr;
  Work* const work = free_.back();
  free_.pop_back();
  return work;
}

void Libfabric::retire(Work& work) {
  work.owner = nullptr;
  if (std::exchange(work.sends, nullptr) != nullptr) --sending_;
  retired_.push_back(&work);
}

}  // namespace demi::rdma
