#include "tcp_listener.hpp"

#include <utility>

#include "tcp_socket.hpp"

namespace demi::dpdk {

TcpListener::TcpListener(Context& context, const SocketRequest& request, int backlog)
    : ConnectionBacklog(context.runtime, context.retries, backlog), context_(context), request_(request) {}

int TcpListener::start(std::unique_ptr<Connection>& from, int backlog) {
  int error = 0;
  listener_ = context_.stack.listen(from, clamp_backlog(backlog), *this, error);
  return listener_ ? 0 : error;
}

void TcpListener::close() {
  listener_.reset();
  ConnectionBacklog::close();
}

std::unique_ptr<Queue> TcpListener::socket() { return std::make_unique<TcpSocket>(context_, nullptr, request_); }

void TcpListener::establish(Queue& socket, std::unique_ptr<Connection> connection) {
  static_cast<TcpSocket&>(socket).establish(std::move(connection));
}

void TcpListener::pause() {
  ++context_.accept_paused;
  AcceptQueue::pause();
}

}  // namespace demi::dpdk
