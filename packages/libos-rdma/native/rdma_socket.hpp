// A socket over a fabric as a queue: a connection, or a listener. What it sends and what it receives have files to themselves; here is how it
// gets its connection, and loses it.
#pragma once

#include <memory>

#include "connection.hpp"
#include "demi/net/accept_queue.hpp"
#include "demi/queue.hpp"
#include "message_receiver.hpp"
#include "message_sender.hpp"

namespace demi::rdma {

class RdmaSocket final : public Queue, private ConnectionEvents, private ListenerEvents, private net::Retryable {
 public:
  RdmaSocket(Context& context, int family);
  ~RdmaSocket() override;

  bool try_push(Sga sga, std::uint32_t length) override;
  Sga try_pop() override;
  void push(Op& op) override;
  void pop(Op& op) override;
  void accept(Op& op) override;
  void connect(Op& op, const Address& to) override;
  bool cancel(Op& op) override;
  int shutdown() override;
  void close(std::unique_ptr<Queue> self) override;
  int bind(const Address& to) override;
  int listen(int backlog) override;
  int local_address(Address& out) override;
  int peer_address(Address& out) override;
  // Those of a TCP socket that a service sets as a matter of course. A message is never held back, and a reliable connection looks after
  // itself: nodelay and keepalive are remembered and change nothing. linger is how long close() waits for the peer; 0 waits for nothing.
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) override;

 private:
  enum class State : std::uint8_t { kIdle, kListening, kConnecting, kConnected };
  class Handshaking;
  class Accepts;

  // ConnectionEvents
  void on_established() override;
  void on_arrived() override { drain(); }
  void on_writable() override { start_send(); }
  void on_message_sent() override { sender_.on_message_sent(*connection_); }
  void on_shut() override;
  void on_ended() override;
  void on_lost(int error) override;
  // ListenerEvents
  void on_request(Request& request) override;
  void on_paused() override;
  // Retryable: memory, queue descriptors or room to send were short
  void retry() override;

  void abandon(int error);
  void start_send();
  void send_shut();
  void drain();
  void on_handshake_over(Handshaking& of, bool accepted);

  Context& context_;
  int family_;
  State state_ = State::kIdle;
  Address bound_;  // what bind() was given
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connection> connection_;
  Op* connect_op_ = nullptr;
  MessageSender sender_;
  MessageReceiver receiver_;

  bool no_delay_ = true;
  bool keep_alive_ = false;
  int linger_ = -1;  // seconds

  std::unique_ptr<Accepts> accepts_;  // listening only
  std::vector<std::unique_ptr<Handshaking>> handshaking_;
};

}  // namespace demi::rdma
