// A datagram socket over a fabric that has datagrams: one push is one datagram, one pop is one datagram with the address it came from. They
// may be lost, as UDP's may, and never come twice, changed or in part.
#pragma once

#include <memory>

#include "connection.hpp"
#include "demi/net/datagram_queue.hpp"

namespace demi::rdma {

class DatagramSocket final : public net::DatagramQueue, private DatagramEvents, private net::Retryable {
 public:
  // Arrived, and not popped: one more is lost.
  static constexpr std::size_t kMostArrived = 1024;
  // Of all receives, the part that is left for connections: datagrams find none in it.
  static constexpr std::uint32_t kReserve = 8;

  DatagramSocket(Context& context, const SocketRequest& request);

  bool try_push(Sga sga, std::uint32_t length) override;
  void pop(Op& op) override;
  // The only one who is sent to and heard from now on. Nobody is asked: whether it is there shows when something is sent.
  void connect(Op& op, const Address& to) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  int set_option(SocketOption, int) override { return -ENOPROTOOPT; }
  int get_option(SocketOption, int&) override { return -ENOPROTOOPT; }

 private:
  // DatagramQueue
  int send(std::span<const iovec> pieces, const Address& to) override;
  // DatagramEvents
  void on_datagram(const Address& from, std::span<const std::uint8_t> bytes) override;
  void on_paused() override;
  // Retryable: descriptors were short
  void retry() override;

  int be_bound();

  Context& context_;
  std::unique_ptr<DatagramPort> port_;
};

}  // namespace demi::rdma
