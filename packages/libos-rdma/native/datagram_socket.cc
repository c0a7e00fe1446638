#include "datagram_socket.hpp"

#include <cstring>
#include <utility>

namespace demi::rdma {

DatagramSocket::DatagramSocket(Context& context, int family)
    : Queue(context.runtime), context_(context), family_(family) {}

DatagramSocket::~DatagramSocket() {
  for (const Arrived& one : arrived_) context_.buffers.give_receive(one.buffer);
}

// ---- control path ---------------------------------------------------------------------------------------------------

int DatagramSocket::bind(const Address& to) {
  if (to.family != family_) return -EAFNOSUPPORT;
  if (port_) return -EINVAL;
  int error = 0;
  port_ = context_.fabric.datagrams(to, *this, error);
  return port_ ? 0 : error;
}

// Whoever sends can be answered.
int DatagramSocket::be_bound() {
  if (port_) return 0;
  Address any;
  any.family = static_cast<std::uint8_t>(family_);
  return bind(any);
}

int DatagramSocket::local_address(Address& out) {
  if (port_) return port_->local_address(out);
  out = Address{};
  out.family = static_cast<std::uint8_t>(family_);
  return 0;
}

int DatagramSocket::peer_address(Address& out) {
  if (peer_.family == 0) return -ENOTCONN;
  out = peer_;
  return 0;
}

void DatagramSocket::connect(Op& op, const Address& to) {
  if (to.family != family_) return runtime_.complete(op, -EAFNOSUPPORT);
  const int error = be_bound();
  if (error == 0) {
    peer_ = to;
    // What others sent before is not the peer's.
    std::erase_if(arrived_, [&](const Arrived& one) {
      if (one.from.same(peer_)) return false;
      context_.buffers.give_receive(one.buffer);
      return true;
    });
  }
  runtime_.complete(op, error);
}

bool DatagramSocket::cancel(Op& op) {
  if (!op.linked) return false;
  pops_.remove(op);
  return true;
}

void DatagramSocket::close(std::unique_ptr<Queue>) {
  unlink();
  port_.reset();
  runtime_.fail_all(pops_, -ECANCELED);
}

void DatagramSocket::on_paused() {
  ++context_.counters.accept_paused;
  context_.retries.when_descriptor(*this);
}

void DatagramSocket::retry() { port_->resume(); }

// ---- sending --------------------------------------------------------------------------------------------------------

bool DatagramSocket::try_push(Sga sga, std::uint32_t length) {
  if (peer_.family == 0 || send(sga, length, peer_) != 0) return false;
  runtime_.arena().free(sga);
  return true;
}

void DatagramSocket::push(Op& op) {
  Address to = peer_;
  if (op.flags & layout::kFlagTo) to = runtime_.arena().address(op.sga);
  const int error = send(op.sga, op.limit, to);
  runtime_.complete(op, error == 0 ? static_cast<std::int32_t>(op.limit) : error);
}

int DatagramSocket::send(Sga sga, std::uint32_t length, const Address& to) {
  if (to.family == 0) return -EDESTADDRREQ;
  if (to.family != family_) return -EAFNOSUPPORT;
  if (length > context_.fabric.most_datagram()) return -EMSGSIZE;
  if (const int error = be_bound(); error != 0) return error;
  iovec pieces[layout::kMaxSegments];
  const int count = runtime_.arena().gather(sga, 0, pieces, layout::kMaxSegments);
  const int error = port_->send(to, {pieces, static_cast<std::size_t>(count)});
  // As with UDP, only who is connected hears of it (RFC 1122, section 4.1.3.3, and udp(7)).
  if (error != -ECONNREFUSED || peer_.family != 0) return error;
  ++context_.counters.datagrams_lost;
  return 0;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void DatagramSocket::on_datagram(const Address& from, std::span<const std::uint8_t> bytes) {
  if (peer_.family != 0 && !from.same(peer_)) return;
  Buffers& buffers = context_.buffers;
  std::uint32_t buffer = 0;
  if (bytes.size() > buffers.receive_bytes() || arrived_.size() == kMostArrived ||
      buffers.receives_free() < buffers.receives() / kReserve || !buffers.take_receive(buffer)) {
    ++context_.counters.datagrams_lost;
    return;
  }
  std::memcpy(buffers.receive(buffer), bytes.data(), bytes.size());
  arrived_.push_back({buffer, static_cast<std::uint32_t>(bytes.size()), from});
  deliver();
}

Sga DatagramSocket::take_front() {
  const Arrived one = arrived_.front();
  arrived_.pop_front();
  Arena& arena = runtime_.arena();
  const Sga sga = context_.buffers.adopt(one.buffer, 0, one.bytes);
  arena.set_address(sga, one.from);
  return sga;
}

Sga DatagramSocket::try_pop() { return arrived_.empty() || !pops_.empty() ? 0 : take_front(); }

void DatagramSocket::pop(Op& op) {
  // A socket that only listens has an address from now on, too.
  if (const int error = be_bound(); error != 0) return runtime_.complete(op, error);
  pops_.push_back(op);
  deliver();
}

void DatagramSocket::deliver() {
  while (!pops_.empty() && !arrived_.empty()) {
    Op& op = *pops_.pop_front();
    const std::uint32_t bytes = arrived_.front().bytes;
    if (op.limit != 0 && op.limit < bytes) {
      runtime_.complete(op, -EMSGSIZE);
    } else {
      runtime_.complete(op, static_cast<std::int32_t>(bytes), take_front());
    }
  }
}

}  // namespace demi::rdma
