// A UDP socket as a queue: one push is one datagram, one pop is one datagram with the address it came from.
//
// Both drivers only report readiness to it; the calls are made here.
#pragma once

#include <sys/socket.h>

#include "demi/net/datagram_queue.hpp"
#include "driver.hpp"

namespace demi::posix {

class DatagramSocket final : public net::DatagramQueue, public Pollable, public Retryable {
 public:
  // A socket over `fd`, which it owns from now on.
  DatagramSocket(Context& context, int fd, const SocketRequest& request);
  ~DatagramSocket() override;
  // 0 or a negative errno.
  int start() { return context_.driver->watch(*this, fd_); }

  void connect(Op& op, const Address& to) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) override;

  void on_ready(std::uint32_t events) override;
  void retry() override;

 private:
  static constexpr int kTurn = 8;  // datagrams in a row before other sockets get their turn

  // DatagramQueue
  int send(std::span<const iovec> pieces, const Address& to) override;
  int await_send() override { return context_.driver->watch_writable(*this, fd_); }
  void start_receive() override;

  void receive();
  // Receives one datagram into raw_. 0; -EAGAIN; -ENOBUFS when the arena is empty; other errors are the socket's.
  int receive_one();
  // Room for a datagram of `size` bytes that lies in `head` and the spill. 0 when there is no such slot.
  Sga join(Sga head, std::uint32_t size);

  Context& context_;
  int fd_;
  Sga raw_ = 0;  // received, framing not yet read
  bool readable_ = false;
};

}  // namespace demi::posix
