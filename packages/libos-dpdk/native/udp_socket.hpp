// A UDP socket on the user-level stack as a queue: one push is one datagram, one pop is one datagram with the address it came from.
#pragma once

#include <memory>

#include "demi/net/sga_fifo.hpp"
#include "sockets.hpp"

namespace demi::dpdk {

class UdpSocket final : public Queue, private EndpointEvents, private net::Retryable {
 public:
  // Datagrams received and not popped; the next is dropped, as by a full socket buffer.
  static constexpr std::size_t kMostWaiting = 512;
  static constexpr std::size_t kMaxPushes = 1024;

  UdpSocket(Sockets& sockets, std::unique_ptr<Endpoint> endpoint, const SocketRequest& request);
  ~UdpSocket() override;

  void push(Op& op) override;
  void pop(Op& op) override;
  void connect(Op& op, const Address& to) override;
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override { return endpoint_->bind(to); }
  int local_address(Address& out) override { return endpoint_->local_address(out); }
  int peer_address(Address& out) override { return endpoint_->peer_address(out); }
  int set_option(SocketOption option, int value) override { return endpoint_->set_option(option, value); }
  int get_option(SocketOption option, int& value) override { return endpoint_->get_option(option, value); }

 private:
  void received(Sga datagram) override;
  bool has_room() const override { return inbox_.size() < kMostWaiting; }
  void retry() override;

  // Sends the datagram and ends the operation; false when the device is full for now.
  bool send(Op& op);
  void deliver();
  void drop_inbox();
  void drop_strangers();

  Sockets& sockets_;
  SocketRequest request_;
  std::unique_ptr<Endpoint> endpoint_;
  OpList pushes_;
  OpList pops_;
  net::SgaFifo inbox_;
};

}  // namespace demi::dpdk
