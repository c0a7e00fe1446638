// A datagram socket over a fabric that has datagrams: one push is one datagram, one pop is one datagram with the address it came from. They
// may be lost, as UDP's may, and never come twice, changed or in part.
#pragma once

#include <deque>
#include <memory>

#include "connection.hpp"
#include "demi/queue.hpp"

namespace demi::rdma {

class DatagramSocket final : public Queue, private DatagramEvents, private net::Retryable {
 public:
  // Arrived, and not popped: one more is lost.
  static constexpr std::size_t kMostArrived = 1024;
  // Of all receives, the part that is left for connections: datagrams find none in it.
  static constexpr std::uint32_t kReserve = 8;

  DatagramSocket(Context& context, int family);
  ~DatagramSocket() override;

  bool try_push(Sga sga, std::uint32_t length) override;
  Sga try_pop() override;
  void push(Op& op) override;
  void pop(Op& op) override;
  // The only one who is sent to and heard from now on. Nobody is asked: whether it is there shows when something is sent.
  void connect(Op& op, const Address& to) override;
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  int set_option(SocketOption, int) override { return -ENOPROTOOPT; }
  int get_option(SocketOption, int&) override { return -ENOPROTOOPT; }

 private:
  struct Arrived {
    std::uint32_t buffer;
    std::uint32_t bytes;
    Address from;
  };

  // DatagramEvents
  void on_datagram(const Address& from, std::span<const std::uint8_t> bytes) override;
  void on_paused() override;
  // Retryable: descriptors were short
  void retry() override;

  int be_bound();
  // 0 or a negative errno.
  int send(Sga sga, std::uint32_t length, const Address& to);
  Sga take_front();
  void deliver();

  Context& context_;
  int family_;
  std::unique_ptr<DatagramPort> port_;
  Address peer_;  // family 0: not connected
  std::deque<Arrived> arrived_;
  OpList pops_;
};

}  // namespace demi::rdma
