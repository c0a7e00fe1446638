// The accepts of a listening socket and the connections they are answered with: everything that does not depend on what listens.
//
// A listener derives from it. Where connections wait in the device until they are asked for, as in the kernel's backlog, take() asks;
// where the device hands them over established, as a user-level TCP does, they wait here, in a ConnectionBacklog.
//
// A connection is asked for when it has a queue descriptor, and only then: one that was taken could not be put back. Without a
// descriptor it stays where it is, and the accepts wait.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "demi/net/retry_lists.hpp"
#include "demi/runtime.hpp"

namespace demi::net {

class AcceptQueue : public Retryable {
 public:
  static constexpr int kTurn = 64;  // accepts in a row before others get their turn

  // listen()'s backlog as every device takes it.
  static int clamp_backlog(int backlog) { return std::clamp(backlog, 1, 65535); }

  AcceptQueue(Runtime& runtime, RetryLists& retries) : runtime_(runtime), retries_(retries) {}
  virtual ~AcceptQueue() = default;

  void accept(Op& op);
  // Only of accepts.
  bool cancel(Op& op);
  // Ends all accepts with ECANCELED.
  void end_accepts();
  // Accepts wait, and not for a descriptor or their turn.
  bool wants_connections() const { return !accepts_.empty() && !linked(); }
  // A connection may be there: answers accepts with what there is. Nothing while they have to wait for a descriptor or their turn.
  void arrived();
  // The same, whatever they wait for.
  void retry() final;

 protected:
  // ---- what a listener implements -----------------------------------------------------------------------------------

  // Whether it is worth asking.
  virtual bool available() const { return true; }
  // A socket that is nothing yet.
  virtual std::unique_ptr<Queue> socket() = 0;
  // Makes it the next connection. 0; -EAGAIN: no connection waits; another negative errno, which ends the accept unless it says that this
  // one connection was lost, or that the system is short of descriptors or memory: the connection is still there.
  virtual int take(Queue& socket) = 0;
  // Such a shortage, or no queue descriptor: call arrived() or retry() when it may be over.
  virtual void pause() { retries_.when_descriptor(*this); }

  Runtime& runtime_;
  RetryLists& retries_;

 private:
  // The new queue in `qd`.
  int accept_one(Qd& qd);

  OpList accepts_;
};

// Established connections that nobody has accepted yet, up to the listener's backlog.
template <class Connection>
class ConnectionBacklog : public AcceptQueue {
 public:
  using Waiting = std::deque<std::unique_ptr<Connection>>;

  ConnectionBacklog(Runtime& runtime, RetryLists& retries, int backlog)
      : AcceptQueue(runtime, retries), limit_(static_cast<std::size_t>(clamp_backlog(backlog))) {}

  // No room for one more beside `coming` that are on their way here: refuse it.
  bool full(std::size_t coming) const { return coming + waiting_.size() >= limit_; }
  void add(std::unique_ptr<Connection> connection) {
    waiting_.push_back(std::move(connection));
    arrived();
  }
  // For close(): ends all accepts with ECANCELED. Gives back the connections, to be ended as the device does that.
  Waiting close() {
    end_accepts();
    return std::exchange(waiting_, {});
  }

 protected:
  // Makes the socket the connection's.
  virtual void establish(Queue& socket, std::unique_ptr<Connection> connection) = 0;

 private:
  bool available() const final { return !waiting_.empty(); }
  int take(Queue& socket) final {
    auto connection = std::move(waiting_.front());
    waiting_.pop_front();
    establish(socket, std::move(connection));
    return 0;
  }

  std::size_t limit_;
  Waiting waiting_;
};

}  // namespace demi::net
