// The listening side of a stream socket.
//
// Connections are taken from the kernel's backlog only when an accept waits for them, so that nothing unclaimed piles
// up here, and a connection that cannot be taken now (no descriptor, no socket memory) stays there.
#pragma once

#include "demi/net/accept_queue.hpp"
#include "driver.hpp"

namespace demi::posix {

class Listener final : public net::AcceptQueue, public Pollable {
 public:
  // `fd` is bound and belongs to the caller.
  Listener(Context& context, int fd, const SocketRequest& request)
      : AcceptQueue(context.runtime, context.retries), context_(context), fd_(fd), request_(request) {}

  // Starts watching the descriptor, which is listening by now.
  int start() { return context_.driver->watch(*this, fd_); }
  // Ends all accepts with ECANCELED and closes the descriptor.
  void close();

  void on_ready(std::uint32_t events) override;

 private:
  bool available() const override { return ready_; }
  std::unique_ptr<Queue> socket() override;
  int take(Queue& socket) override;
  void pause() override;

  Context& context_;
  int fd_;
  SocketRequest request_;
  bool ready_ = false;
};

}  // namespace demi::posix
