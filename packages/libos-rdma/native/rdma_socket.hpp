// A socket over a fabric as a queue: a connection, or a listener. One push is one pop, unless the pop wants fewer bytes.
#pragma once

#include <memory>

#include "connection.hpp"
#include "demi/net/accept_queue.hpp"
#include "demi/queue.hpp"

namespace demi::rdma {

class RdmaSocket final : public Queue, private ConnectionEvents, private ListenerEvents, private net::Retryable {
 public:
  // Pushes of one queue that wait for the peer to pop; one more ends with EAGAIN.
  static constexpr std::size_t kMaxPushes = 1024;

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
  void established() override;
  void arrived() override { drain(); }
  void writable() override { start_send(); }
  void pushed(Op& op) override;
  void shut() override;
  void ended() override;
  void lost(int error) override;
  // ListenerEvents
  void requested(Request& request) override;
  void paused() override;
  // Retryable: memory, queue descriptors or room to send were short
  void retry() override;

  void start_send();
  void send_end();
  void drain();
  bool next_message();
  bool assemble();
  void deliver(Op& op);
  bool deliver_part(Op& op);
  void handshake_over(Handshaking& of, bool accepted);

  Context& context_;
  int family_;
  State state_ = State::kIdle;
  Address bound_;  // what bind() was given
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connection> connection_;
  Op* connect_op_ = nullptr;
  OpList pushes_;   // to be sent
  OpList sending_;  // all of it is under way
  OpList pops_;
  bool ended_ = false;
  bool shut_ = false;      // shutdown() was called
  bool end_sent_ = false;  // and the peer told
  int receive_error_ = 0;
  int send_error_ = 0;

  Sga message_ = 0;              // whole, and not popped
  std::uint32_t taken_ = 0;      // bytes of it that were
  Sga assembly_ = 0;             // arriving in fragments
  std::uint32_t assembled_ = 0;  // bytes of it that are there

  bool no_delay_ = true;
  bool keep_alive_ = false;
  int linger_ = -1;  // seconds

  std::unique_ptr<Accepts> accepts_;  // listening only
  std::vector<std::unique_ptr<Handshaking>> handshaking_;
};

}  // namespace demi::rdma
