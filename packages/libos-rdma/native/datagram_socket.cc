#include "datagram_socket.hpp"

#include <cstring>
#include <utility>

namespace demi::rdma {

DatagramSocket::DatagramSocket(Context& context, const SocketRequest& request)
    : DatagramQueue(context.runtime, request, kMostArrived), context_(context) {}

// ---- control path ---------------------------------------------------------------------------------------------------

int DatagramSocket::bind(const Address& to) {
  if (to.family != request_.family) return -EAFNOSUPPORT;
  if (port_) return -EINVAL;
  int error = 0;
  port_ = context_.fabric.datagrams(to, *this, error);
  return port_ ? 0 : error;
}

// Whoever sends can be answered.
int DatagramSocket::be_bound() {
  if (port_) return 0;
  Address any;
  any.family = static_cast<std::uint8_t>(request_.family);
  return bind(any);
}

int DatagramSocket::local_address(Address& out) {
  if (port_) return port_->local_address(out);
  out = Address{};
  out.family = static_cast<std::uint8_t>(request_.family);
  return 0;
}

int DatagramSocket::peer_address(Address& out) {
  if (peer_.family == 0) return -ENOTCONN;
  out = peer_;
  return 0;
}

void DatagramSocket::connect(Op& op, const Address& to) {
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  const int error = be_bound();
  if (error == 0) connected(to);
  runtime_.complete(op, error);
}

void DatagramSocket::close(std::unique_ptr<Queue>) {
  unlink();
  port_.reset();
  end_all();
}

void DatagramSocket::on_paused() {
  ++context_.counters.accept_paused;
  context_.retries.when_descriptor(*this);
}

void DatagramSocket::retry() { port_->resume(); }

// ---- sending --------------------------------------------------------------------------------------------------------

bool DatagramSocket::try_push(Sga sga, std::uint32_t) {
  if (peer_.family == 0 || send_now(sga, peer_) != 0) return false;
  runtime_.arena().free(sga);
  return true;
}

int DatagramSocket::send(std::span<const iovec> pieces, const Address& given) {
  const Address& to = given.family != 0 ? given : peer_;
  if (to.family == 0) return -EDESTADDRREQ;
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  if (bytes > context_.fabric.most_datagram()) return -EMSGSIZE;
  if (const int error = be_bound(); error != 0) return error;
  const int error = port_->send(to, pieces);
  // As with UDP, only who is connected hears of it (RFC 1122, section 4.1.3.3, and udp(7)).
  if (error != -ECONNREFUSED || peer_.family != 0) return error;
  ++context_.counters.datagrams_lost;
  return 0;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void DatagramSocket::on_datagram(const Address& from, std::span<const std::uint8_t> bytes) {
  if (stranger(from)) return;
  Buffers& buffers = context_.buffers;
  std::uint32_t buffer = 0;
  if (bytes.size() > buffers.receive_bytes() || !has_room() ||
      buffers.receives_free() < buffers.receives() / kReserve || !buffers.take_receive(buffer)) {
    ++context_.counters.datagrams_lost;
    return;
  }
  std::memcpy(buffers.receive(buffer), bytes.data(), bytes.size());
  const Sga sga = buffers.adopt(buffer, 0, static_cast<std::uint32_t>(bytes.size()));
  runtime_.arena().set_address(sga, from);
  received(sga);
}

void DatagramSocket::pop(Op& op) {
  // A socket that only listens also has an address from now on.
  if (const int error = be_bound(); error != 0) return runtime_.complete(op, error);
  DatagramQueue::pop(op);
}

}  // namespace demi::rdma
