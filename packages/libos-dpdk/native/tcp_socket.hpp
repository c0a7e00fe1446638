// A TCP socket on the user-level stack as a queue: a connection, or a listener.
#pragma once

#include <map>
#include <memory>

#include "demi/net/stream_queue.hpp"
#include "tcp_listener.hpp"

namespace demi::dpdk {

class TcpSocket final : public net::StreamQueue, private ConnectionEvents {
 public:
  TcpSocket(Context& context, std::unique_ptr<Connection> connection, const SocketRequest& request);
  ~TcpSocket() override;

  void accept(Op& op) override;
  void connect(Op& op, const Address& to) override;
  bool cancel(Op& op) override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int listen(int backlog) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) override;

  // Makes it the queue of an accepted connection.
  void establish(std::unique_ptr<Connection> connection);
  // Sends what was written since the last poll.
  void output();

 private:
  // StreamQueue
  void start_send() override;
  void start_receive() override {}
  void end_sending() override { connection_->end(); }
  void shut_down() override;
  void popped(std::size_t bytes) override;
  // ConnectionEvents
  void on_connected() override;
  void on_received(Sga chunk) override;
  void on_ended() override;
  void on_writable() override;
  void on_failed(int error) override;

  void renew_connection(int error);
  bool append(Sga chunk);

  Context& context_;
  SocketRequest request_;
  std::unique_ptr<Connection> connection_;
  Address bound_;  // what bind() was given
  std::map<SocketOption, int> chosen_;
  bool awaits_output_ = false;
  std::unique_ptr<TcpListener> listener_;
};

}  // namespace demi::dpdk
