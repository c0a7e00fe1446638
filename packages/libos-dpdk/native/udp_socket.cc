#include "udp_socket.hpp"

#include <utility>

namespace demi::dpdk {

UdpSocket::UdpSocket(Context& context, std::unique_ptr<Endpoint> endpoint, const SocketRequest& request)
    : DatagramQueue(context.runtime, request, kMostWaiting), context_(context), endpoint_(std::move(endpoint)) {
  endpoint_->set_events(*this);
}

UdpSocket::~UdpSocket() { unlink(); }

void UdpSocket::connect(Op& op, const Address& to) {
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  const int error = endpoint_->connect(to);
  Address peer;
  if (error == 0 && endpoint_->peer_address(peer) == 0) connected(peer);
  runtime_.complete(op, error);
}

void UdpSocket::close(std::unique_ptr<Queue>) {
  unlink();
  end_all();
}

// ---- sending --------------------------------------------------------------------------------------------------------

int UdpSocket::send(std::span<const iovec> pieces, const Address& to) {
  const int error = endpoint_->send(pieces, to);
  return error == -ENOBUFS ? -EAGAIN : error;
}

int UdpSocket::await_send() {
  if (!linked()) context_.retries.soon(*this);
  return 0;
}

void UdpSocket::retry() {
  if (!resume_send()) context_.retries.soon(*this);
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void UdpSocket::on_received(Sga datagram) {
  const int error = DatagramQueue::received(datagram);
  if (error == 0) return;
  // The stack waits for nobody: what there is no memory for is dropped as well.
  if (error == -ENOBUFS) runtime_.arena().free(datagram);
  ++context_.bad_datagrams;
}

}  // namespace demi::dpdk
