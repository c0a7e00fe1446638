#include "libfabric_endpoint.hpp"

#include <rdma/fi_errno.h>

#include <array>
#include <cstring>

namespace demi::rdma {

namespace {

int read_address(int error, const sockaddr_storage& storage, Address& out) {
  if (error != 0) return error;
  out = Address::from_sockaddr(storage);
  return out.family == 0 ? -EINVAL : 0;
}

}  // namespace

LibfabricEndpoint::~LibfabricEndpoint() {
  fabric_.forget(endpoint_->fid);
  fi_shutdown(endpoint_.get(), 0);
}

int LibfabricEndpoint::post(std::uint8_t* memory, std::size_t bytes, Work& work) {
  return static_cast<int>(fi_recv(endpoint_.get(), memory, bytes, fabric_.memory_descriptor(), FI_ADDR_UNSPEC, &work));
}

// Has no completion, and so is not used while an earlier message is under way: what was pushed first completes first.
int LibfabricEndpoint::inject(std::span<const iovec> pieces) {
  if (sends_ != 0) return -EOPNOTSUPP;
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  std::array<std::uint8_t, Libfabric::kMostInjected> message;
  if (bytes > fabric_.most_injected()) return -EOPNOTSUPP;
  std::uint8_t* to = message.data();
  for (const iovec& piece : pieces) {
    std::memcpy(to, piece.iov_base, piece.iov_len);
    to += piece.iov_len;
  }
  return static_cast<int>(fi_inject(endpoint_.get(), message.data(), bytes, FI_ADDR_UNSPEC));
}

int LibfabricEndpoint::send(std::span<const iovec> pieces, Work& work) {
  void* const descriptor = fabric_.memory_descriptor();
  std::array<void*, 16> descriptors;
  descriptors.fill(descriptor);
  if (pieces.size() > descriptors.size()) return -EINVAL;
  const ssize_t error =
      pieces.size() == 1
          ? fi_send(endpoint_.get(), pieces[0].iov_base, pieces[0].iov_len, descriptor, FI_ADDR_UNSPEC, &work)
          : fi_sendv(endpoint_.get(), pieces.data(), descriptors.data(), pieces.size(), FI_ADDR_UNSPEC, &work);
  if (error == 0) [[likely]] {
    ++sends_;
    work.sends = &sends_;
    fabric_.on_posted_send();
  }
  return static_cast<int>(error);
}

int LibfabricEndpoint::connect(std::span<const std::uint8_t> data) {
  sockaddr_storage to;
  destination_.to_sockaddr(to);
  return fi_connect(endpoint_.get(), &to, data.data(), data.size());
}

int LibfabricEndpoint::accept(std::span<const std::uint8_t> data) {
  return fi_accept(endpoint_.get(), data.data(), data.size());
}

int LibfabricEndpoint::local_address(Address& out) const {
  sockaddr_storage storage{};
  std::size_t length = sizeof storage;
  return read_address(fi_getname(&endpoint_->fid, &storage, &length), storage, out);
}

int LibfabricEndpoint::peer_address(Address& out) const {
  sockaddr_storage storage{};
  std::size_t length = sizeof storage;
  return read_address(fi_getpeer(endpoint_.get(), &storage, &length), storage, out);
}

// ---- requests -------------------------------------------------------------------------------------------------------

LibfabricRequest::~LibfabricRequest() { reject({}); }

std::unique_ptr<Endpoint> LibfabricRequest::take(EndpointEvents& events, int& error) {
  return fabric_.make_endpoint(*info_, events, error);
}

void LibfabricRequest::reject(std::span<const std::uint8_t> data) {
  if (info_->handle == nullptr) return;
  fabric_.reject(listener_, *info_, data);
  info_->handle = nullptr;
}

// ---- listening ------------------------------------------------------------------------------------------------------

LibfabricListener::~LibfabricListener() {
  fabric_.reject_requests(*endpoint_);
  fabric_.forget(endpoint_->fid);
  Address address;
  if (listening_ && local_address(address) == 0) fabric_.rest(std::move(endpoint_), address);
}

int LibfabricListener::listen(ListenerEvents& events) {
  events_ = &events;
  if (listening_) return 0;
  const int error = fi_listen(endpoint_.get());
  listening_ = error == 0;
  return error;
}

int LibfabricListener::local_address(Address& out) const {
  sockaddr_storage storage{};
  std::size_t length = sizeof storage;
  return read_address(fi_getname(&endpoint_->fid, &storage, &length), storage, out);
}

void LibfabricListener::on_request(Info info, std::span<const std::uint8_t> data) {
  LibfabricRequest request(fabric_, *endpoint_, std::move(info), data);
  if (events_ != nullptr) events_->on_request(request);
}

}  // namespace demi::rdma
