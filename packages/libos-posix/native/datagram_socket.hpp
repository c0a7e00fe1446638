// A UDP socket as a queue: one push is one datagram, one pop is one datagram with the address it came from.
//
// Both drivers only report readiness to it; the calls are made here.
#pragma once

#include <sys/socket.h>

#include "demi/net/dmtr_codec.hpp"
#include "demi/runtime.hpp"
#include "driver.hpp"

namespace demi::posix {

class DatagramSocket final : public Queue, public Pollable, public Retryable {
 public:
  static constexpr std::size_t kMaxPushes = 1024;

  // A socket over `fd`, which it owns from now on.
  DatagramSocket(Network& net, int fd, const SocketRequest& request);
  ~DatagramSocket() override;
  // 0 or a negative errno.
  int start() { return net_.driver->watch(*this, fd_); }

  void push(Op& op) override;
  void pop(Op& op) override;
  void connect(Op& op, const Address& to) override;
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) override;

  void on_ready(std::uint32_t events) override;
  void retry() override;

 private:
  static constexpr int kTurn = 16;  // datagrams in a row before other sockets get their turn

  // Sends the datagram and ends the operation; false when the kernel takes none now.
  bool send(Op& op);
  void flush();
  void receive();
  // Receives one datagram into raw_. 0; -EAGAIN; -ENOBUFS when the arena is empty; other errors are the socket's.
  int receive_one();
  // Room for a datagram of `size` bytes that lies in `head` and the spill. 0 when there is no such slot.
  Sga join(Sga head, std::uint32_t size);
  // raw_ to message_. False when the arena has no room for that.
  bool unwrap();
  // Ends the oldest pop with message_.
  void deliver();

  Network& net_;
  int fd_;
  SocketRequest request_;
  OpList pushes_;
  OpList pops_;
  Sga raw_ = 0;      // received, framing not yet read
  Sga message_ = 0;  // the datagram to pop next
  Address from_;     // of raw_ or message_
  Address peer_;     // what it is connected to
  bool readable_ = false;
};

}  // namespace demi::posix
