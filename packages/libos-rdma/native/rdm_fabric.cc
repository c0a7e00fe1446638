#include "rdm_fabric.hpp"

#include <rdma/fi_errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "rdm_datagrams.hpp"
#include "rdm_directory.hpp"
#include "rdm_endpoint.hpp"
#include "region_file.hpp"

namespace demi::rdma {

namespace {

constexpr std::size_t kReceives = 128;
constexpr int kRdmBatch = 32;
constexpr int kMany = 8;
constexpr int kRdmRounds = 8;
// Connections come and go far less often than messages, and a look is a system call.
constexpr std::uint32_t kPollsPerLook = 1024;

template <typename T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The libOSes of this process, whichever thread they belong to.
class Present {
 public:
  using Presence = RdmFabric::Presence;
  static std::shared_ptr<Presence> add(const std::string& name) {
    const std::lock_guard lock(mutex);
    return all[name] = std::make_shared<Presence>();
  }
  static std::shared_ptr<Presence> find(const std::string& name) {
    const std::lock_guard lock(mutex);
    const auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
  }
  static void remove(const std::string& name) {
    const std::lock_guard lock(mutex);
    all.erase(name);
  }

 private:
  static inline std::mutex mutex;
  static inline std::map<std::string, std::shared_ptr<Presence>> all;
};

bool is_own(const Address& address) {
  Address any_port = address;
  any_port.port = 0;
  sockaddr_storage storage;
  const socklen_t length = any_port.to_sockaddr(storage);
  const OwnFd fd(::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

// Addresses are names here, but a service that is bound to one it could not have elsewhere is to hear of it.
OwnFd listen_at_own(Address& at, Service service, int& error) {
  if (is_own(at)) return listen_at(at, service, 0, error);
  error = -EADDRNOTAVAIL;
  return OwnFd();
}

}  // namespace

RdmFabric::RdmFabric() = default;

std::unique_ptr<RdmFabric> RdmFabric::open(const FabricOptions& options, std::uint32_t buffer, std::string& message,
                                           int& error) {
  std::unique_ptr<RdmFabric> self(new RdmFabric());
  self->bytes_ = (buffer + kEnvelope + 63) & ~std::size_t{63};
  static std::atomic<std::uint32_t> made{0};
  self->name_ = region_name(made++, self->fresh_cookie());
  remove_dead_regions();
  if (error = self->open_queues(options, message); error != 0) return nullptr;
  const auto longest = static_cast<std::uint32_t>(std::min<std::size_t>(buffer, self->most_bytes()));
  self->directory_ = std::make_unique<RdmDirectory>(*self, longest);
  return self;
}

int RdmFabric::open_queues(const FabricOptions& options, std::string& message) {
  const auto failed = [&](const char* what, int error) {
    message = std::string(what) + ": " + fi_strerror(-error);
    return error;
  };
  Info hints(fi_allocinfo());
  if (!hints) return failed("libfabric", -ENOMEM);
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->tx_attr->msg_order = FI_ORDER_SAS;
  hints->rx_attr->msg_order = FI_ORDER_SAS;
  hints->addr_format = FI_ADDR_STR;
  hints->fabric_attr->prov_name = ::strdup("shm");
  fi_info* found = nullptr;
  int error = fi_getinfo(FI_VERSION(1, 17), name_.c_str(), nullptr, FI_SOURCE, hints.get(), &found);
  info_.reset(found);
  if (error != 0) {
    message = "provider shm: libfabric does not have it, or /dev/shm has less than 32 MiB free (" +
              std::string(fi_strerror(-error)) + ")";
    return error == -FI_ENODATA ? -ENODEV : error;
  }
  const auto make = [&](const char* what, auto& out, auto&& call) {
    typename std::remove_reference_t<decltype(out)>::pointer fid = nullptr;
    const int result = call(&fid);
    if (result != 0) return failed(what, result);
    out.reset(fid);
    return 0;
  };
  fi_cq_attr queue{};
  queue.size = kReceives + 64;
  queue.format = FI_CQ_FORMAT_MSG;
  queue.wait_obj = FI_WAIT_NONE;
  fi_av_attr vector{};
  vector.type = FI_AV_UNSPEC;
  vector.count = 64;
  error = make("fi_fabric", fabric_, [&](auto** fid) { return fi_fabric(info_->fabric_attr, fid, nullptr); });
  if (error == 0)
    error = make("fi_domain", domain_, [&](auto** fid) { return fi_domain(fabric_.get(), info_.get(), fid, nullptr); });
  if (error == 0)
    error =
        make("fi_cq_open", completions_, [&](auto** fid) { return fi_cq_open(domain_.get(), &queue, fid, nullptr); });
  if (error == 0)
    error = make("fi_av_open", peers_, [&](auto** fid) { return fi_av_open(domain_.get(), &vector, fid, nullptr); });
  if (error == 0)
    error = make("fi_endpoint", endpoint_,
                 [&](auto** fid) { return fi_endpoint(domain_.get(), info_.get(), fid, nullptr); });
  if (error != 0) return error;
  // Without the "fi_shm://" that libfabric would put before it: it strips it from the names it is given by us, and not from those that
  // endpoints tell each other, takes the two for two peers, and forgets one of them only.
  if (error = fi_setname(&endpoint_->fid, name_.data(), name_.size() + 1); error != 0)
    return failed("fi_setname", error);
  if (error = fi_ep_bind(endpoint_.get(), &completions_->fid, FI_TRANSMIT | FI_RECV); error != 0)
    return failed("fi_ep_bind", error);
  if (error = fi_ep_bind(endpoint_.get(), &peers_->fid, 0); error != 0) return failed("fi_ep_bind", error);
  if (error = fi_enable(endpoint_.get()); error != 0) return failed("fi_enable", error);
  file_ = hold_region(name_);
  if (file_.get() < 0) return failed("/dev/shm", -errno);
  presence_ = Present::add(name_);

  memory_ = std::make_unique<Mapping>(kReceives * bytes_);
  error = make("fi_mr_reg", region_, [&](auto** fid) {
    return fi_mr_reg(domain_.get(), memory_->data(), memory_->bytes(), FI_SEND | FI_RECV, 0, 1, 0, fid, nullptr);
  });
  if (error != 0) return error;
  receives_.resize(kReceives);
  outgoing_.resize(info_->tx_attr->inject_size);
  for (std::size_t n = 0; n < kReceives; ++n) {
    if (error = post(n); error != 0) return failed("fi_recv", error);
  }
  epoll_ = OwnFd(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll_.get() < 0) return failed("epoll_create1", -errno);
  most_works_ = options.works;
  works_.push_back(std::make_unique<Work[]>(options.works));
  for (std::uint32_t n = options.works; n-- > 0;) free_.push_back(&works_.back()[n]);
  return 0;
}

RdmFabric::~RdmFabric() {
  directory_.reset();
  if (presence_) {
    Present::remove(name_);
    const std::unique_lock lock(presence_->lock);
    presence_->here = false;
    presence_->file = std::move(file_);
    presence_->memory = std::move(memory_);
    presence_->fabric = std::move(fabric_);
    presence_->domain = std::move(domain_);
    presence_->region = std::move(region_);
    presence_->completions = std::move(completions_);
    presence_->peers = std::move(peers_);
    presence_->endpoint = std::move(endpoint_);
  }
  // The endpoint goes before what it is bound to.
  endpoint_.reset();
}

int RdmFabric::post(std::size_t n) {
  auto* const memory = static_cast<std::uint8_t*>(memory_->data()) + n * bytes_;
  return static_cast<int>(
      fi_recv(endpoint_.get(), memory, bytes_, fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &receives_[n]));
}

// ---- messages -------------------------------------------------------------------------------------------------------

int RdmFabric::send(const Peer& to, std::uint32_t id, std::uint32_t cookie, std::span<const iovec> pieces) {
  std::uint8_t* const message = outgoing_.data();
  std::memcpy(message, &id, sizeof id);
  std::memcpy(message + sizeof id, &cookie, sizeof cookie);
  std::size_t bytes = kEnvelope;
  for (const iovec& piece : pieces) {
    if (bytes + piece.iov_len > outgoing_.size()) return -EMSGSIZE;
    if (piece.iov_len != 0) std::memcpy(message + bytes, piece.iov_base, piece.iov_len);
    bytes += piece.iov_len;
  }
  std::shared_lock<std::shared_mutex> presence;
  if (to.presence) {
    presence = std::shared_lock(to.presence->lock);
    if (!to.presence->here) return -ECONNRESET;
  }
  return static_cast<int>(fi_inject(endpoint_.get(), message, bytes, to.address));
}

// How many there were.
int RdmFabric::poll_completions() {
  fi_cq_msg_entry entries[kRdmBatch];
  const ssize_t count = fi_cq_read(completions_.get(), entries, kRdmBatch);
  if (count == -FI_EAVAIL) {
    fi_cq_err_entry entry{};
    if (fi_cq_readerr(completions_.get(), &entry, 0) < 1) return kRdmBatch;
    auto* const context = static_cast<fi_context2*>(entry.op_context);
    if (context >= receives_.data() && context < receives_.data() + receives_.size()) {
      // Longer than any is to be: the connection it is for is told. shm has the code with its sign.
      on_arrived(static_cast<std::size_t>(context - receives_.data()), std::abs(entry.err) == FI_ETRUNC ? bytes_ : 0);
    }
    return kRdmBatch;  // there may be more
  }
  for (ssize_t i = 0; i < count; ++i) {
    on_arrived(static_cast<std::size_t>(static_cast<fi_context2*>(entries[i].op_context) - receives_.data()),
               entries[i].len);
  }
  return static_cast<int>(std::max<ssize_t>(count, 0));
}

void RdmFabric::on_arrived(std::size_t n, std::size_t bytes) {
  const auto* const memory = static_cast<const std::uint8_t*>(memory_->data()) + n * bytes_;
  if (bytes >= kEnvelope) {
    const auto id = load<std::uint32_t>(memory);
    const auto cookie = load<std::uint32_t>(memory + 4);
    const std::span message(memory + kEnvelope, bytes - kEnvelope);
    if (id < endpoints_.size() && endpoints_[id] != nullptr) {
      endpoints_[id]->on_message(cookie, message);
    } else if ((id & kPort) != 0) {
      on_port_message(id & ~kPort, cookie, message);
    }
  }
  // Not at once: the answer goes first.
  read_.push_back(n);
  if (read_.size() >= kReceives / 4) post_read();
}

void RdmFabric::on_port_message(std::uint32_t id, std::uint32_t cookie, std::span<const std::uint8_t> message) {
  if (id < ports_.size() && ports_[id] != nullptr) return ports_[id]->on_message(cookie, message);
  lose_datagram();
}

void RdmFabric::post_read() {
  while (!read_.empty() && post(read_.back()) == 0) read_.pop_back();
}

void RdmFabric::drain() {
  for (int round = 0; round < kRdmRounds && poll_completions() != 0; ++round) {
  }
}

bool RdmFabric::poll() {
  // A read that did not fill the batch found all there was; but while many were handed on, more have come.
  int count = poll_completions();
  bool any = count != 0;
  if (count >= kMany && count < kRdmBatch) poll_completions();
  for (int round = 1; count == kRdmBatch && round < kRdmRounds; ++round) count = poll_completions();
  if (!any && !read_.empty()) post_read();
  if (directory_->any_ready()) [[unlikely]]
    directory_->transmit();
  if (look_ || ++polls_ % kPollsPerLook == 0) {
    look_ = poll_watches();
    any = any || look_;
  }
  return any;
}

// ---- who is there ---------------------------------------------------------------------------------------------------

bool RdmFabric::poll_watches() {
  epoll_event events[kRdmBatch];
  const int count = watches_.empty() ? 0 : ::epoll_wait(epoll_.get(), events, kRdmBatch, 0);
  for (int i = 0; i < count; ++i) {
    const auto found = watches_.find(events[i].data.u64);
    if (found == watches_.end()) continue;
    // It may forget itself.
    const auto on_readable = found->second.on_readable;
    on_readable();
  }
  return count > 0;
}

std::uint64_t RdmFabric::watch(int fd, std::function<void()> on_readable, bool writable) {
  const std::uint64_t id = next_watch_++;
  watches_[id] = {fd, std::move(on_readable)};
  const std::uint32_t interest = writable ? EPOLLIN | EPOLLRDHUP | EPOLLOUT : EPOLLIN | EPOLLRDHUP;
  epoll_event event{.events = interest, .data = {.u64 = id}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  look_ = true;
  return id;
}

void RdmFabric::forget(std::uint64_t watched) {
  const auto found = watches_.find(watched);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

std::uint32_t RdmFabric::enter(RdmEndpoint& endpoint) {
  for (std::size_t id = 0; id < endpoints_.size(); ++id) {
    if (endpoints_[id] != nullptr) continue;
    endpoints_[id] = &endpoint;
    return static_cast<std::uint32_t>(id);
  }
  endpoints_.push_back(&endpoint);
  return static_cast<std::uint32_t>(endpoints_.size() - 1);
}

std::uint32_t RdmFabric::enter(RdmDatagramPort& port) {
  auto place = std::ranges::find(ports_, nullptr);
  if (place == ports_.end()) place = ports_.insert(ports_.end(), nullptr);
  *place = &port;
  return static_cast<std::uint32_t>(place - ports_.begin()) | kPort;
}

const RdmFabric::Peer* RdmFabric::meet(const std::string& name) {
  const auto known = met_.find(name);
  // libfabric gives the place of a peer whose memory it does not find to the next one, too, and forgets both with the first.
  if (known == met_.end() && (met_.size() == kMostPeers || !is_held(name))) return nullptr;
  Peer& peer = met_[name];
  if (peer.connections == 0) {
    if (name != name_) peer.presence = Present::find(name);
    if (fi_av_insert(peers_.get(), name.c_str(), 1, &peer.address, 0, nullptr) != 1) {
      met_.erase(name);
      return nullptr;
    }
  }
  ++peer.connections;
  return &peer;
}

void RdmFabric::part(const std::string& name) {
  const auto found = met_.find(name);
  if (found == met_.end() || --found->second.connections != 0) return;
  fi_av_remove(peers_.get(), &found->second.address, 1, 0);
  met_.erase(found);
}

// ---- endpoints ------------------------------------------------------------------------------------------------------

std::unique_ptr<RdmEndpoint> RdmFabric::make_endpoint(EndpointEvents& events, OwnFd fd) {
  return std::make_unique<RdmEndpoint>(*this, events, std::move(fd));
}

std::unique_ptr<Endpoint> RdmFabric::endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                              int& error) {
  OwnFd fd = connect_to(to, Service::kConnections, error);
  if (error != 0) return nullptr;
  auto endpoint = make_endpoint(events, std::move(fd));
  Address local = from;
  if (local.family == 0 || local.port == 0) {
    // Nobody connects to it: any number does that tells connections apart.
    static std::atomic<std::uint32_t> given{0};
    local = to;
    local.port = static_cast<std::uint16_t>(32768 + (static_cast<std::uint32_t>(::getpid()) * 61 + given++) % 32768);
  }
  endpoint->set_addresses(local, to);
  return endpoint;
}

int RdmFabric::connect(Endpoint& endpoint, std::span<const std::uint8_t> data) {
  return static_cast<RdmEndpoint&>(endpoint).connect(data);
}

std::unique_ptr<Listener> RdmFabric::bind(const Address& to, int& error) {
  Address at = to;
  OwnFd fd = listen_at_own(at, Service::kConnections, error);
  if (error != 0) return nullptr;
  return std::make_unique<RdmListener>(*this, at, std::move(fd));
}

std::size_t RdmFabric::most_datagram() const { return directory_->most_bytes(); }
std::uint64_t RdmFabric::datagrams_lost() const { return datagrams_lost_ + directory_->lost(); }

std::unique_ptr<DatagramPort> RdmFabric::datagrams(const Address& to, DatagramEvents& events, int& error) {
  Address at = to;
  OwnFd fd = listen_at_own(at, Service::kDatagrams, error);
  if (error != 0) return nullptr;
  auto port = std::make_unique<RdmDatagramPort>(*this, at, std::move(fd), events);
  error = port->start();
  return error == 0 ? std::move(port) : nullptr;
}

bool RdmFabric::may_wait() {
  look_ = true;
  return true;
}

Work* RdmFabric::work() {
  if (free_.empty()) return nullptr;
  Work* const work = free_.back();
  free_.pop_back();
  return work;
}

}  // namespace demi::rdma
