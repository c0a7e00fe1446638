#include "raw_peer.hpp"

#include <doctest/doctest.h>
#include <rdma/fi_errno.h>

#include <cstring>
#include <iterator>

namespace demi::rdma::test {

Bytes RawHandshake::bytes() const {
  Bytes out;
  append(out, magic, 4);
  append(out, version, 1);
  append(out, reserved, 1);
  append(out, credits, 2);
  append(out, buffer, 4);
  append(out, most_message, 4);
  return out;
}

Bytes RawHeader::bytes(std::size_t payload) const {
  Bytes out;
  append(out, kind, 1);
  append(out, more, 1);
  append(out, credits, 2);
  append(out, message, 4);
  append(out, offset, 4);
  append(out, reserved, 4);
  for (std::size_t i = 0; i < payload; ++i) out.push_back(static_cast<std::uint8_t>('a' + (offset + i) % 26));
  return out;
}

Bytes whole(std::size_t payload, std::uint16_t credits) {
  return RawHeader{.kind = kData, .credits = credits, .message = static_cast<std::uint32_t>(payload)}.bytes(payload);
}
Bytes credit(std::uint16_t credits) { return RawHeader{.kind = kCredit, .credits = credits}.bytes(); }
Bytes end() { return RawHeader{.kind = kEnd}.bytes(); }

// ---- opening --------------------------------------------------------------------------------------------------------

RawPeer::RawPeer(Loopback& loopback) : loopback_(loopback), memory_(2 * kBuffers * kBuffer), buffers_(2 * kBuffers) {
  const Info hints(fi_allocinfo());
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_MSG;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->fabric_attr->prov_name = ::strdup("tcp");
  fi_info* found = nullptr;
  REQUIRE(fi_getinfo(FI_VERSION(1, 17), "127.0.0.1", nullptr, FI_SOURCE, hints.get(), &found) == 0);
  info_.reset(found);
  fid_fabric* fabric = nullptr;
  REQUIRE(fi_fabric(info_->fabric_attr, &fabric, nullptr) == 0);
  fabric_.reset(fabric);
  fid_domain* domain = nullptr;
  REQUIRE(fi_domain(fabric, info_.get(), &domain, nullptr) == 0);
  domain_.reset(domain);
  fid_mr* region = nullptr;
  REQUIRE(fi_mr_reg(domain, memory_.data(), memory_.size(), FI_SEND | FI_RECV, 0, 1, 0, &region, nullptr) == 0);
  region_.reset(region);
  fi_eq_attr event_queue{};
  event_queue.wait_obj = FI_WAIT_NONE;
  fid_eq* events = nullptr;
  REQUIRE(fi_eq_open(fabric, &event_queue, &events, nullptr) == 0);
  events_.reset(events);
  fi_cq_attr completion_queue{};
  completion_queue.size = 4 * kBuffers;
  completion_queue.format = FI_CQ_FORMAT_MSG;
  fid_cq* completions = nullptr;
  REQUIRE(fi_cq_open(domain, &completion_queue, &completions, nullptr) == 0);
  completions_.reset(completions);
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    buffers_[i].memory = memory_.data() + i * kBuffer;
    buffers_[i].sending = i >= kBuffers;
  }
  loopback_.add(*this);
}

RawPeer::~RawPeer() {
  loopback_.remove(*this);
  close();
  if (request_) reject({});  // libfabric would keep it
}

void RawPeer::open_endpoint(fi_info& info) {
  fid_ep* endpoint = nullptr;
  REQUIRE(fi_endpoint(domain_.get(), &info, &endpoint, nullptr) == 0);
  endpoint_.reset(endpoint);
  REQUIRE(fi_ep_bind(endpoint, &events_->fid, 0) == 0);
  REQUIRE(fi_ep_bind(endpoint, &completions_->fid, FI_TRANSMIT | FI_RECV) == 0);
  REQUIRE(fi_enable(endpoint) == 0);
  for (Buffer& buffer : buffers_) {
    if (!buffer.sending) post(buffer);
  }
}

void RawPeer::post(Buffer& buffer) {
  REQUIRE(fi_recv(endpoint_.get(), buffer.memory, kBuffer, fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &buffer) == 0);
}

// ---- the handshake --------------------------------------------------------------------------------------------------

void RawPeer::connect(const Address& to, const Bytes& handshake) {
  sockaddr_storage storage;
  const std::size_t length = to.to_sockaddr(storage);
  const Info info(fi_dupinfo(info_.get()));
  info->dest_addr = std::malloc(length);
  REQUIRE(info->dest_addr != nullptr);
  std::memcpy(info->dest_addr, &storage, length);
  info->dest_addrlen = length;
  open_endpoint(*info);
  REQUIRE(fi_connect(endpoint_.get(), &storage, handshake.data(), handshake.size()) == 0);
}

void RawPeer::connect_well(RawPeer& peer, const Address& to, const RawHandshake& handshake) {
  peer.connect(to, handshake.bytes());
  REQUIRE(peer.loopback_.until([&] { return peer.connected || peer.over(); }));
  REQUIRE(peer.connected);
}

Address RawPeer::listen() {
  fid_pep* listener = nullptr;
  REQUIRE(fi_passive_ep(fabric_.get(), info_.get(), &listener, nullptr) == 0);
  listener_.reset(listener);
  REQUIRE(fi_pep_bind(listener, &events_->fid, 0) == 0);
  REQUIRE(fi_listen(listener) == 0);
  sockaddr_storage storage{};
  std::size_t length = sizeof storage;
  REQUIRE(fi_getname(&listener->fid, &storage, &length) == 0);
  return Address::from_sockaddr(storage);
}

void RawPeer::accept(const Bytes& handshake) {
  REQUIRE(request_);
  open_endpoint(*request_);
  request_.reset();
  REQUIRE(fi_accept(endpoint_.get(), handshake.data(), handshake.size()) == 0);
}

void RawPeer::reject(const Bytes& data) {
  REQUIRE(request_);
  REQUIRE(fi_reject(listener_.get(), request_->handle, data.data(), data.size()) == 0);
  request_.reset();
}

// ---- messages -------------------------------------------------------------------------------------------------------

bool RawPeer::send(const Bytes& bytes) {
  REQUIRE(bytes.size() <= kBuffer);
  if (!endpoint_) return false;
  for (Buffer& buffer : buffers_) {
    if (!buffer.sending || buffer.busy) continue;
    std::copy(bytes.begin(), bytes.end(), buffer.memory);
    const ssize_t error =
        fi_send(endpoint_.get(), buffer.memory, bytes.size(), fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &buffer);
    buffer.busy = error == 0;
    return error == 0;
  }
  return false;
}

void RawPeer::close() {
  if (!endpoint_) return;
  fi_shutdown(endpoint_.get(), 0);
  endpoint_.reset();
  // None of them is posted any more, and what completes later is not looked at.
  fi_cq_msg_entry entry;
  while (fi_cq_read(completions_.get(), &entry, 1) > 0) {
  }
}

void RawPeer::turn() {
  if (stopped) return;
  read_events();
  read_completions();
}

void RawPeer::read_events() {
  alignas(fi_eq_cm_entry) std::uint8_t bytes[sizeof(fi_eq_cm_entry) + 256];
  for (;;) {
    std::uint32_t kind = 0;
    const ssize_t n = fi_eq_read(events_.get(), &kind, bytes, sizeof bytes, 0);
    if (n == -FI_EAVAIL) {
      fi_eq_err_entry error{};
      if (fi_eq_readerr(events_.get(), &error, 0) < 0) return;
      const auto* const data = static_cast<const std::uint8_t*>(error.err_data);
      if (data != nullptr) private_data.assign(data, data + error.err_data_size);
      refused = true;
      continue;
    }
    if (n < static_cast<ssize_t>(sizeof(fi_eq_cm_entry))) return;
    const auto* const entry = reinterpret_cast<const fi_eq_cm_entry*>(bytes);
    switch (kind) {
      case FI_CONNREQ:
        request_.reset(entry->info);
        break;
      case FI_CONNECTED:
        connected = true;
        break;
      case FI_SHUTDOWN:
        shut_down = true;
        break;
      default:
        break;
    }
    if (kind != FI_SHUTDOWN) private_data.assign(entry->data, static_cast<const std::uint8_t*>(bytes) + n);
  }
}

void RawPeer::read_completions() {
  for (;;) {
    fi_cq_msg_entry entry;
    const ssize_t n = fi_cq_read(completions_.get(), &entry, 1);
    if (n == -FI_EAVAIL) {
      fi_cq_err_entry error{};
      if (fi_cq_readerr(completions_.get(), &error, 0) < 1) return;
      shut_down = true;
      continue;
    }
    if (n != 1) return;
    auto& buffer = *static_cast<Buffer*>(entry.op_context);
    if (buffer.sending) {
      buffer.busy = false;
      ++sends_done;
      continue;
    }
    received.emplace_back(buffer.memory, buffer.memory + entry.len);
    if (reposting && endpoint_ && !shut_down) post(buffer);
  }
}

}  // namespace demi::rdma::test
