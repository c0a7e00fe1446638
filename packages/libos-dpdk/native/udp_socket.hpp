// A UDP socket on the user-level stack as a queue: one push is one datagram, one pop is one datagram with the address it came from.
#pragma once

#include <memory>

#include "context.hpp"
#include "demi/net/datagram_queue.hpp"

namespace demi::dpdk {

class UdpSocket final : public net::DatagramQueue, private EndpointEvents, private net::Retryable {
 public:
  // Datagrams received and not popped; the next is dropped, as by a full socket buffer.
  static constexpr std::size_t kMostWaiting = 512;

  UdpSocket(Context& context, std::unique_ptr<Endpoint> endpoint, const SocketRequest& request);
  ~UdpSocket() override;

  void connect(Op& op, const Address& to) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override { return endpoint_->bind(to); }
  int local_address(Address& out) override { return endpoint_->local_address(out); }
  int peer_address(Address& out) override { return endpoint_->peer_address(out); }
  int set_option(SocketOption option, int value) override { return endpoint_->set_option(option, value); }
  int get_option(SocketOption option, int& value) override { return endpoint_->get_option(option, value); }

 private:
  // DatagramQueue
  int send(std::span<const iovec> pieces, const Address& to) override;
  int await_send() override;
  // EndpointEvents
  void on_received(Sga datagram) override;
  bool has_room() const override { return DatagramQueue::has_room(); }
  // Retryable: the device was full
  void retry() override;

  Context& context_;
  std::unique_ptr<Endpoint> endpoint_;
};

}  // namespace demi::dpdk
