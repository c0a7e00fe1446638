// The listening side of a stream socket.
//
// Connections are taken from the kernel's backlog only when an accept waits for them, so that nothing unclaimed piles
// up here, and a connection that cannot be taken now (no descriptor, no socket memory) stays there.
#pragma once

#include "demi/runtime.hpp"
#include "driver.hpp"

namespace demi::posix {

class Listener final : public Pollable, public Retryable {
 public:
  // `fd` is bound and belongs to the caller.
  Listener(Network& net, int fd, const SocketRequest& request) : net_(net), fd_(fd), request_(request) {}

  // Starts watching the descriptor, which is listening by now.
  int start() { return net_.driver->watch(*this, fd_); }
  void accept(Op& op);
  bool cancel(Op& op);
  // Ends all accepts with ECANCELED and closes the descriptor.
  void close();

  void on_ready(std::uint32_t events) override;
  void retry() override;

 private:
  static constexpr int kTurn = 64;  // accepts in a row before others get their turn

  void run();
  // Takes one connection. 0, a negative errno; the new queue in `qd`.
  int accept_one(Qd& qd);

  Network& net_;
  int fd_;
  SocketRequest request_;
  OpList accepts_;
  bool ready_ = false;
};

}  // namespace demi::posix
