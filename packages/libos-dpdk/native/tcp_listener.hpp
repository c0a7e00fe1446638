// The listening side of a TCP socket: connections the stack has established, until they are accepted.
#pragma once

#include <memory>

#include "context.hpp"
#include "demi/net/accept_queue.hpp"

namespace demi::dpdk {

class TcpListener final : public net::ConnectionBacklog<Connection>, private ListenerEvents {
 public:
  TcpListener(Context& context, const SocketRequest& request, int backlog);

  // 0 or a negative errno. `from`: what bind() was called on; after a failure it may also be gone.
  int start(std::unique_ptr<Connection>& from, int backlog);
  // Ends all accepts with ECANCELED and resets the connections that nobody accepted.
  void close();

 private:
  // ListenerEvents
  void on_incoming(std::unique_ptr<Connection> connection) override { add(std::move(connection)); }
  bool full(std::size_t coming) const override { return ConnectionBacklog::full(coming); }
  // AcceptQueue
  std::unique_ptr<Queue> socket() override;
  void establish(Queue& socket, std::unique_ptr<Connection> connection) override;
  void pause() override;

  Context& context_;
  SocketRequest request_;
  std::unique_ptr<StackListener> listener_;
};

}  // namespace demi::dpdk
