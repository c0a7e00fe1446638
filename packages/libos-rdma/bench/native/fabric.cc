#include "fabric.hpp"

#include <netinet/in.h>
#include <rdma/fi_errno.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bare {

namespace {

constexpr std::size_t kCompletions = 8192;

template <typename F>
void check(F error, const char* what) {
  if (error != 0) die(what, error);
}

bool has_gone(long error) {
  return error == FI_ECANCELED || error == FI_ENOTCONN || error == FI_ECONNRESET || error == EPIPE;
}

// A server serves on when a client has gone.
void check_peer(ssize_t error, const char* what) {
  if (error != 0 && !has_gone(-error)) die(what, error);
}

}  // namespace

void die(const std::string& what, long error) {
  std::fprintf(stderr, "%s%s%s\n", what.c_str(), error != 0 ? ": " : "",
               error != 0 ? fi_strerror(static_cast<int>(std::labs(error))) : "");
  std::_Exit(1);
}

Fabric::Fabric(const std::string& provider, const std::string& address, const std::string& port, std::size_t bytes)
    : bytes_(bytes) {
  const Info hints(fi_allocinfo());
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_MSG;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->fabric_attr->prov_name = ::strdup(provider.c_str());
  fi_info* info = nullptr;
  check(fi_getinfo(FI_VERSION(1, 17), address.c_str(), port.empty() ? nullptr : port.c_str(),
                   port.empty() ? FI_SOURCE : 0, hints.get(), &info),
        "no such provider here");
  info_.reset(info);
  fid_fabric* fabric = nullptr;
  check(fi_fabric(info->fabric_attr, &fabric, nullptr), "fi_fabric");
  fabric_.reset(fabric);
  fid_domain* domain = nullptr;
  check(fi_domain(fabric, info, &domain, nullptr), "fi_domain");
  domain_.reset(domain);
  fi_eq_attr event_queue{};
  // Nobody sleeps.
  event_queue.wait_obj = FI_WAIT_NONE;
  fid_eq* events = nullptr;
  check(fi_eq_open(fabric, &event_queue, &events, nullptr), "fi_eq_open");
  events_.reset(events);
  fi_cq_attr completion_queue{};
  completion_queue.size = kCompletions;
  completion_queue.format = FI_CQ_FORMAT_MSG;
  completion_queue.wait_obj = FI_WAIT_NONE;
  fid_cq* completions = nullptr;
  check(fi_cq_open(domain, &completion_queue, &completions, nullptr), "fi_cq_open");
  completions_.reset(completions);
}

int Fabric::listen() {
  fid_pep* listener = nullptr;
  check(fi_passive_ep(fabric_.get(), info_.get(), &listener, nullptr), "fi_passive_ep");
  listener_.reset(listener);
  check(fi_pep_bind(listener, &events_->fid, 0), "fi_pep_bind");
  check(fi_listen(listener), "fi_listen");
  sockaddr_in name{};
  std::size_t length = sizeof name;
  check(fi_getname(&listener->fid, &name, &length), "fi_getname");
  return ntohs(name.sin_port);
}

std::unique_ptr<Peer> Fabric::make_peer(fi_info& info) {
  fid_ep* endpoint = nullptr;
  check(fi_endpoint(domain_.get(), &info, &endpoint, nullptr), "fi_endpoint");
  Fid<fid_ep> owned(endpoint);
  check(fi_ep_bind(endpoint, &events_->fid, 0), "fi_ep_bind");
  check(fi_ep_bind(endpoint, &completions_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
  check(fi_enable(endpoint), "fi_enable");
  return std::make_unique<Peer>(*this, std::move(owned), bytes_);
}

std::unique_ptr<Peer> Fabric::connect() {
  auto peer = make_peer(*info_);
  check(fi_connect(&peer->endpoint(), info_->dest_addr, nullptr, 0), "fi_connect");
  return peer;
}

std::unique_ptr<Peer> Fabric::poll_events() {
  std::uint32_t kind = 0;
  alignas(fi_eq_cm_entry) std::uint8_t bytes[sizeof(fi_eq_cm_entry) + 256];
  const ssize_t n = fi_eq_read(events_.get(), &kind, bytes, sizeof bytes, 0);
  if (n == -FI_EAGAIN) return nullptr;
  if (n < 0) {
    fi_eq_err_entry entry{};
    fi_eq_readerr(events_.get(), &entry, 0);
    die("connecting", entry.err);
  }
  const auto* const entry = reinterpret_cast<const fi_eq_cm_entry*>(bytes);
  if (kind == FI_CONNECTED) static_cast<Peer*>(entry->fid->context)->connected = true;
  if (kind != FI_CONNREQ) return nullptr;
  const Info info(entry->info);
  auto peer = make_peer(*info);
  check(fi_accept(&peer->endpoint(), nullptr, 0), "fi_accept");
  return peer;
}

int Fabric::read_completions(fi_cq_msg_entry* entries, int most) {
  const ssize_t n = fi_cq_read(completions_.get(), entries, static_cast<std::size_t>(most));
  if (n == -FI_EAGAIN) return 0;
  if (n >= 0) return static_cast<int>(n);
  fi_cq_err_entry entry{};
  fi_cq_readerr(completions_.get(), &entry, 0);
  // What was posted comes back cancelled.
  if (!has_gone(entry.err)) die("a completion", entry.err);
  return 0;
}

// ---- connections ----------------------------------------------------------------------------------------------------

Peer::Peer(Fabric& fabric, Fid<fid_ep> endpoint, std::size_t bytes)
    : fabric_(fabric), bytes_(bytes), memory_((1 + kReceives) * bytes), endpoint_(std::move(endpoint)) {
  endpoint_->fid.context = this;
  fid_mr* region = nullptr;
  check(fi_mr_reg(&fabric.domain(), memory_.data(), memory_.size(), FI_SEND | FI_RECV, 0, fabric.next_key(), 0, &region,
                  nullptr),
        "fi_mr_reg");
  region_.reset(region);
  send_.peer = this;
  send_.sending = true;
  for (std::size_t i = 0; i < kReceives; ++i) {
    receives_[i].peer = this;
    receives_[i].memory = memory_.data() + (1 + i) * bytes;
    post(receives_[i]);
  }
}

void Peer::post(Context& receive) {
  check_peer(
      fi_recv(endpoint_.get(), receive.memory, bytes_, fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &receive.reserved),
      "fi_recv");
}

void Peer::send(const std::uint8_t* bytes, std::size_t count) {
  if (count <= fabric_.inject_size())
    return check_peer(fi_inject(endpoint_.get(), bytes, count, FI_ADDR_UNSPEC), "fi_inject");
  check_peer(fi_send(endpoint_.get(), bytes, count, fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &send_.reserved),
             "fi_send");
  ++sends_;
}

}  // namespace bare
