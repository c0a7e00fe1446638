// The sending side of a socket: its pushes, one message each, in the order in which they were started, and the half-close behind them.
#pragma once

#include <cstddef>

#include "connection.hpp"

namespace demi::rdma {

class MessageSender {
 public:
  // Pushes of one queue that wait for the peer to pop; one more ends with EAGAIN.
  static constexpr std::size_t kMaxPushes = 1024;

  // `waiting` is retried when room to send was short: start() again then.
  MessageSender(Context& context, net::Retryable& waiting) : context_(context), waiting_(waiting) {}

  // A push that can be sent and done with at once. False: push() it.
  bool try_push(Connection& connection, Sga sga);
  // False: it has completed with an error. Sent by start(), which is called as soon as there is a connection.
  bool push(Op& op);
  // False: it has begun, and cannot be taken back. True: send_shut() may have waited for it.
  bool cancel(Op& op);
  // Sends what waits and can be sent.
  void start(Connection& connection);
  // The oldest that is under way has been sent.
  void on_message_sent(Connection& connection);

  // No more pushes: send_shut() tells the peer, behind those that wait.
  void shut() { shut_ = true; }
  void send_shut(Connection& connection);

  // The peer takes no more: what is not under way to it would never be popped.
  void end();
  // The connection is gone.
  void lose(int error);
  // It did not come about, and another attempt may follow.
  void start_over(int error);
  // The memory of those under way is pinned until the fabric has read it.
  void close();

 private:
  Context& context_;
  net::Retryable& waiting_;
  OpList pushes_;          // to be sent
  OpList sending_;         // all of it is under way
  bool shut_ = false;      // no push is to follow
  bool end_sent_ = false;  // and the peer told
  int error_ = 0;
};

}  // namespace demi::rdma
