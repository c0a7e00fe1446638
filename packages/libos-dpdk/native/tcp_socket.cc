#include "tcp_socket.hpp"

#include <cstring>
#include <utility>

namespace demi::dpdk {

TcpSocket::TcpSocket(Context& context, std::unique_ptr<Connection> connection, const SocketRequest& request)
    : StreamQueue(context, request), context_(context), request_(request), connection_(std::move(connection)) {}

TcpSocket::~TcpSocket() {
  if (awaits_output_) std::erase(context_.awaiting_output, this);
}

// ---- control path ---------------------------------------------------------------------------------------------------

int TcpSocket::bind(const Address& to) {
  if (state_ != State::kIdle) return -EINVAL;
  const int error = connection_->bind(to);
  if (error == 0) bound_ = to;
  return error;
}

int TcpSocket::listen(int backlog) {
  if (state_ == State::kListening) return 0;
  if (state_ != State::kIdle) return -EINVAL;
  int error = 0;
  Address address;
  if (bound_.family == 0) {
    Address any;
    any.family = static_cast<std::uint8_t>(request_.family);
    if (error = bind(any); error != 0) return error;
  }
  if (error = connection_->local_address(address); error != 0) return error;
  auto listener = std::make_unique<TcpListener>(context_, request_, backlog);
  if (error = listener->start(connection_, backlog); error != 0) {
    if (!connection_) renew_connection(0);
    return error;
  }
  listener_ = std::move(listener);
  bound_ = address;
  state_ = State::kListening;
  return 0;
}

int TcpSocket::local_address(Address& out) {
  if (connection_) return connection_->local_address(out);
  out = bound_;
  return 0;
}

int TcpSocket::peer_address(Address& out) {
  return state_ == State::kConnected ? connection_->peer_address(out) : -ENOTCONN;
}

int TcpSocket::set_option(SocketOption option, int value) {
  const int error = connection_ ? connection_->set_option(option, value) : -EINVAL;
  if (error == 0) chosen_[option] = value;
  return error;
}
int TcpSocket::get_option(SocketOption option, int& value) {
  return connection_ ? connection_->get_option(option, value) : -EINVAL;
}

// ---- connections ----------------------------------------------------------------------------------------------------

void TcpSocket::accept(Op& op) {
  if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
  listener_->accept(op);
}

void TcpSocket::connect(Op& op, const Address& to) {
  if (state_ == State::kConnecting) return runtime_.complete(op, -EALREADY);
  if (state_ != State::kIdle) return runtime_.complete(op, -EISCONN);
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  connection_->set_events(*this);
  if (const int error = connection_->connect(to); error != 0) return runtime_.complete(op, error);
  connecting(op);
}

void TcpSocket::on_connected() { StreamQueue::connected(); }

void TcpSocket::establish(std::unique_ptr<Connection> connection) {
  connection_ = std::move(connection);
  state_ = State::kConnected;
  connection_->set_events(*this);
}

// A socket whose connect failed may try again, from the address it was bound to.
void TcpSocket::renew_connection(int error) {
  connection_ = context_.stack.connection(request_.family);
  for (const auto& [option, value] : chosen_) connection_->set_option(option, value);
  if (bound_.family != 0) connection_->bind(bound_);
  if (error != 0) connect_failed(error);
}

void TcpSocket::on_failed(int error) {
  if (state_ == State::kConnecting) return renew_connection(error);
  StreamQueue::failed(error);
}

void TcpSocket::on_ended() { StreamQueue::ended(); }

bool TcpSocket::cancel(Op& op) {
  if (&op == connect_op_) {
    connect_op_ = nullptr;
    renew_connection(-ECANCELED);
    return true;
  }
  if (op.code == layout::kOpAccept) return listener_ && listener_->cancel(op);
  return StreamQueue::cancel(op);
}

void TcpSocket::close(std::unique_ptr<Queue>) {
  if (listener_) listener_->close();
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), -ECANCELED);
  if (state_ == State::kConnected && !pushes_.empty()) start_send();
  runtime_.fail_all(pushes_, -ECANCELED);
  end_pops();
  if (connection_ && state_ == State::kConnected) {
    connection_->output();
    connection_->close();
  }
}

// ---- sending --------------------------------------------------------------------------------------------------------

void TcpSocket::start_send() {
  while (!pushes_.empty() && send_error_ == 0) {
    net::Outgoing out;
    gather(out, false);
    std::size_t wanted = 0;
    std::size_t written = 0;
    for (int i = 0; i < out.iovecs && wanted == written; ++i) {
      wanted += out.iov[i].iov_len;
      written += connection_->write({static_cast<const std::uint8_t*>(out.iov[i].iov_base), out.iov[i].iov_len});
    }
    sent(written);
    if (written != 0 && !awaits_output_) {
      awaits_output_ = true;
      context_.awaiting_output.push_back(this);
    }
    if (written < wanted) return;
  }
}

void TcpSocket::output() {
  awaits_output_ = false;
  connection_->output();
}

void TcpSocket::on_writable() { start_send(); }

void TcpSocket::shut_down() { connection_->close(); }

// ---- receiving ------------------------------------------------------------------------------------------------------

void TcpSocket::on_received(Sga chunk) {
  if (!inbox_.empty() && append(chunk)) return;
  StreamQueue::received(chunk);
}

// What nobody has asked for yet is kept together: a peer that sends single bytes must not take a receive buffer with each. True when the
// chunk has become part of the newest one.
bool TcpSocket::append(Sga chunk) {
  Arena& arena = runtime_.arena();
  const auto bytes = arena.bytes_of(chunk);
  const auto tail = arena.bytes_of(inbox_.back());
  const std::uint8_t* const end = arena.slot_start(inbox_.back()) + arena.slot_capacity(inbox_.back());
  if (bytes.size() > static_cast<std::size_t>(end - (tail.data() + tail.size()))) return false;
  std::memcpy(tail.data() + tail.size(), bytes.data(), bytes.size());
  arena.set_range(inbox_.back(), static_cast<std::uint32_t>(tail.data() - arena.slot_start(inbox_.back())),
                  static_cast<std::uint32_t>(tail.size() + bytes.size()));
  arena.free(chunk);
  return true;
}

void TcpSocket::popped(std::size_t bytes) {
  if (connection_) connection_->consumed(bytes);
}

}  // namespace demi::dpdk
