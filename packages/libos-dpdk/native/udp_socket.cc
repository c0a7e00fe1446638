#include "udp_socket.hpp"

#include <utility>

#include "demi/net/dmtr_codec.hpp"

namespace demi::dpdk {

UdpSocket::UdpSocket(Sockets& sockets, std::unique_ptr<Endpoint> endpoint, const SocketRequest& request)
    : Queue(sockets.runtime), sockets_(sockets), request_(request), endpoint_(std::move(endpoint)) {
  endpoint_->set_events(*this);
}

UdpSocket::~UdpSocket() {
  unlink();
  drop_inbox();
}

void UdpSocket::connect(Op& op, const Address& to) {
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  const int error = endpoint_->connect(to);
  if (error == 0) drop_strangers();
  runtime_.complete(op, error);
}

// What others sent before it was connected is not the peer's.
void UdpSocket::drop_strangers() {
  Arena& arena = runtime_.arena();
  Address peer;
  endpoint_->peer_address(peer);
  for (std::size_t n = inbox_.size(); n != 0; --n) {
    const Sga datagram = inbox_.pop();
    if (arena.address(datagram).same(peer)) {
      inbox_.push(datagram);
    } else {
      arena.free(datagram);
    }
  }
}

bool UdpSocket::cancel(Op& op) {
  if (!op.linked) return false;
  (op.code == layout::kOpPush ? pushes_ : pops_).remove(op);
  return true;
}

void UdpSocket::close(std::unique_ptr<Queue>) {
  unlink();
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  drop_inbox();
}

void UdpSocket::drop_inbox() {
  while (!inbox_.empty()) runtime_.arena().free(inbox_.pop());
}

// ---- sending --------------------------------------------------------------------------------------------------------

void UdpSocket::push(Op& op) {
  if (pushes_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  if (pushes_.empty() && send(op)) return;
  pushes_.push_back(op);
  if (!linked()) sockets_.retries.soon(*this);
}

void UdpSocket::retry() {
  while (!pushes_.empty()) {
    Op& op = *pushes_.pop_front();
    if (send(op)) continue;
    pushes_.push_front(op);
    return sockets_.retries.soon(*this);
  }
}

bool UdpSocket::send(Op& op) {
  const Arena& arena = runtime_.arena();
  iovec iov[dmtr::kMaxIovecs];
  dmtr::FramingBytes framing;
  const int n = request_.framing == Framing::kDmtr ? dmtr::encode(arena, op.sga, 0, framing, iov)
                                                   : arena.gather(op.sga, 0, iov, layout::kMaxSegments);
  Address to;
  if (op.flags & layout::kFlagTo) {
    to = arena.address(op.sga);
    if (to.family != request_.family) {
      runtime_.complete(op, to.family == 0 ? -EDESTADDRREQ : -EAFNOSUPPORT);
      return true;
    }
  }
  std::span<const std::uint8_t> pieces[dmtr::kMaxIovecs];
  for (int i = 0; i < n; ++i) pieces[i] = {static_cast<const std::uint8_t*>(iov[i].iov_base), iov[i].iov_len};
  const int error = endpoint_->send({pieces, static_cast<std::size_t>(n)}, to);
  if (error == -ENOBUFS) return false;
  runtime_.complete(op, error != 0 ? error : static_cast<std::int32_t>(op.limit));
  return true;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void UdpSocket::pop(Op& op) {
  pops_.push_back(op);
  deliver();
}

void UdpSocket::received(Sga datagram) {
  Arena& arena = runtime_.arena();
  if (request_.framing == Framing::kDmtr) {
    const Address from = arena.address(datagram);
    Sga message = 0;
    const std::int32_t result = dmtr::adopt_datagram(arena, datagram, request_.max_message, message);
    if (result < 0) {
      // Anybody can send a datagram: one that is no message is dropped, and so is one there is no memory for.
      if (result == -ENOBUFS) arena.free(datagram);
      ++sockets_.bad_datagrams;
      return;
    }
    arena.set_address(message, from);
    datagram = message;
  }
  inbox_.push(datagram);
  deliver();
}

void UdpSocket::deliver() {
  while (!pops_.empty() && !inbox_.empty()) {
    Op& op = *pops_.pop_front();
    const std::uint32_t length = runtime_.arena().total(inbox_.front());
    if (op.limit != 0 && op.limit < length) {
      runtime_.complete(op, -EMSGSIZE);  // it stays for the next pop
    } else {
      runtime_.complete(op, static_cast<std::int32_t>(length), inbox_.pop());
    }
  }
}

}  // namespace demi::dpdk
