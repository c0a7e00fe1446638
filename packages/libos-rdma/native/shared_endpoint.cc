#include "shared_endpoint.hpp"

#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "region_file.hpp"

namespace demi::rdma {

namespace {

constexpr std::size_t kReceives = 128;
constexpr int kRdmBatch = 32;
constexpr int kMany = 8;
constexpr int kRdmRounds = 8;

template <typename T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

// ---- opening and closing --------------------------------------------------------------------------------------------

int SharedEndpoint::open(const std::string& name, std::size_t buffer, std::string& message) {
  name_ = name;
  bytes_ = (buffer + kEnvelope + 63) & ~std::size_t{63};
  const Info hints(fi_allocinfo());
  if (!hints) return call_failed("libfabric", -ENOMEM, message);
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
  error = open_objects(message);
  if (error == 0) error = enable(message);
  return error == 0 ? post_receives(message) : error;
}

int SharedEndpoint::open_objects(std::string& message) {
  RdmObjects& made = objects_;
  fi_cq_attr queue{};
  queue.size = kReceives + 64;
  queue.format = FI_CQ_FORMAT_MSG;
  queue.wait_obj = FI_WAIT_NONE;
  fi_av_attr vector{};
  vector.type = FI_AV_UNSPEC;
  vector.count = 64;
  int error = open_fid(made.fabric, "fi_fabric", message,
                       [&](auto** fid) { return fi_fabric(info_->fabric_attr, fid, nullptr); });
  if (error == 0)
    error = open_fid(made.domain, "fi_domain", message,
                     [&](auto** fid) { return fi_domain(made.fabric.get(), info_.get(), fid, nullptr); });
  if (error == 0)
    error = open_fid(made.completions, "fi_cq_open", message,
                     [&](auto** fid) { return fi_cq_open(made.domain.get(), &queue, fid, nullptr); });
  if (error == 0)
    error = open_fid(made.peers, "fi_av_open", message,
                     [&](auto** fid) { return fi_av_open(made.domain.get(), &vector, fid, nullptr); });
  if (error == 0)
    error = open_fid(made.endpoint, "fi_endpoint", message,
                     [&](auto** fid) { return fi_endpoint(made.domain.get(), info_.get(), fid, nullptr); });
  return error;
}

int SharedEndpoint::enable(std::string& message) {
  fid_ep& endpoint = *objects_.endpoint;
  // Without the "fi_shm://" that libfabric would put before it: it strips it from the names it is given by us, and not from those that
  // endpoints tell each other, takes the two for two peers, and forgets one of them only.
  if (const int error = fi_setname(&endpoint.fid, name_.data(), name_.size() + 1); error != 0)
    return call_failed("fi_setname", error, message);
  if (const int error = fi_ep_bind(&endpoint, &objects_.completions->fid, FI_TRANSMIT | FI_RECV); error != 0)
    return call_failed("fi_ep_bind", error, message);
  if (const int error = fi_ep_bind(&endpoint, &objects_.peers->fid, 0); error != 0)
    return call_failed("fi_ep_bind", error, message);
  if (const int error = fi_enable(&endpoint); error != 0) return call_failed("fi_enable", error, message);
  objects_.file = hold_region(name_);
  if (objects_.file.get() < 0) return call_failed("/dev/shm", -errno, message);
  presence_ = RdmPresence::add(name_);
  return 0;
}

int SharedEndpoint::post_receives(std::string& message) {
  objects_.memory = std::make_unique<Mapping>(kReceives * bytes_);
  const int error = open_fid(objects_.region, "fi_mr_reg", message, [&](auto** fid) {
    return fi_mr_reg(objects_.domain.get(), objects_.memory->data(), objects_.memory->bytes(), FI_SEND | FI_RECV, 0, 1,
                     0, fid, nullptr);
  });
  if (error != 0) return error;
  receives_.resize(kReceives);
  outgoing_.resize(info_->tx_attr->inject_size);
  for (std::size_t n = 0; n < kReceives; ++n) {
    if (const int failed = post(n); failed != 0) return call_failed("fi_recv", failed, message);
  }
  return 0;
}

void SharedEndpoint::close() {
  if (presence_) presence_->leave(name_, std::move(objects_));
  // The endpoint goes before what it is bound to.
  objects_.endpoint.reset();
}

// ---- sending --------------------------------------------------------------------------------------------------------

int SharedEndpoint::send(const RdmPeer& to, std::uint32_t id, std::uint32_t cookie, std::span<const iovec> pieces) {
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
    presence = std::shared_lock(to.presence->lock());
    if (!to.presence->here()) return -ECONNRESET;
  }
  return static_cast<int>(fi_inject(objects_.endpoint.get(), message, bytes, to.address));
}

// ---- receiving ------------------------------------------------------------------------------------------------------

bool SharedEndpoint::poll() {
  // A read that did not fill the batch found all there was; but while many were handed on, more have come.
  int count = read_completions();
  const bool any = count != 0;
  if (count >= kMany && count < kRdmBatch) read_completions();
  for (int round = 1; count == kRdmBatch && round < kRdmRounds; ++round) count = read_completions();
  if (!any && !read_.empty()) post_read();
  return any;
}

void SharedEndpoint::drain() {
  for (int round = 0; round < kRdmRounds && read_completions() != 0; ++round) {
  }
}

// How many there were.
int SharedEndpoint::read_completions() {
  fi_cq_msg_entry entries[kRdmBatch];
  fid_cq* const queue = objects_.completions.get();
  const ssize_t count = fi_cq_read(queue, entries, kRdmBatch);
  if (count == -FI_EAVAIL) {
    fi_cq_err_entry entry{};
    if (fi_cq_readerr(queue, &entry, 0) < 1) return kRdmBatch;
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

void SharedEndpoint::on_arrived(std::size_t n, std::size_t bytes) {
  const auto* const memory = static_cast<const std::uint8_t*>(objects_.memory->data()) + n * bytes_;
  if (bytes >= kEnvelope) {
    demux_.on_message(load<std::uint32_t>(memory), load<std::uint32_t>(memory + 4),
                      {memory + kEnvelope, bytes - kEnvelope});
  }
  // Not at once: the answer goes first.
  read_.push_back(n);
  if (read_.size() >= kReceives / 4) post_read();
}

int SharedEndpoint::post(std::size_t n) {
  auto* const memory = static_cast<std::uint8_t*>(objects_.memory->data()) + n * bytes_;
  return static_cast<int>(fi_recv(objects_.endpoint.get(), memory, bytes_, fi_mr_desc(objects_.region.get()),
                                  FI_ADDR_UNSPEC, &receives_[n]));
}

void SharedEndpoint::post_read() {
  while (!read_.empty() && post(read_.back()) == 0) read_.pop_back();
}

}  // namespace demi::rdma
