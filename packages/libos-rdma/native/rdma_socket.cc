#include "rdma_socket.hpp"

#include <algorithm>
#include <utility>

namespace demi::rdma {

// A connection a listener has accepted and whose other side has not yet heard of it.
class RdmaSocket::Handshaking final : public ConnectionEvents {
 public:
  explicit Handshaking(RdmaSocket& listener) : listener_(listener) {}

  void on_established() override { listener_.on_handshake_over(*this, true); }
  void on_arrived() override {}
  void on_writable() override {}
  void on_message_sent() override {}
  void on_shut() override {}
  void on_ended() override {}
  void on_lost(int) override { listener_.on_handshake_over(*this, false); }

  std::unique_ptr<Connection> connection;

 private:
  RdmaSocket& listener_;
};

// The connections whose handshake is over, and the accepts that wait for one.
class RdmaSocket::Accepts final : public net::ConnectionBacklog<Connection> {
 public:
  Accepts(RdmaSocket& listener, int backlog)
      : ConnectionBacklog(listener.runtime_, listener.context_.retries, backlog), listener_(listener) {}

 private:
  std::unique_ptr<Queue> socket() override {
    return std::make_unique<RdmaSocket>(listener_.context_, listener_.family_);
  }
  void establish(Queue& socket, std::unique_ptr<Connection> connection) override {
    auto& accepted = static_cast<RdmaSocket&>(socket);
    accepted.connection_ = std::move(connection);
    accepted.state_ = State::kConnected;
    accepted.connection_->attach(accepted);
  }
  // With the listener's own pause. The next accept, or the next connection, need not wait for its end.
  void pause() override { listener_.context_.retries.when_descriptor(listener_); }

  RdmaSocket& listener_;
};

RdmaSocket::RdmaSocket(Context& context, int family)
    : Queue(context.runtime), context_(context), family_(family), sender_(context, *this), receiver_(context, *this) {}
RdmaSocket::~RdmaSocket() = default;

// ---- control path ---------------------------------------------------------------------------------------------------

int RdmaSocket::bind(const Address& to) {
  if (to.family != family_) return -EAFNOSUPPORT;
  if (state_ != State::kIdle || listener_) return -EINVAL;
  int error = 0;
  listener_ = context_.fabric.bind(to, error);
  if (!listener_) return error;
  bound_ = to;
  listener_->local_address(bound_);
  return 0;
}

int RdmaSocket::listen(int backlog) {
  if (state_ == State::kListening) return 0;
  if (state_ != State::kIdle) return -EINVAL;
  if (!listener_) {
    Address any;
    any.family = static_cast<std::uint8_t>(family_);
    if (const int error = bind(any); error != 0) return error;
  }
  if (const int error = listener_->listen(*this); error != 0) return error;
  listener_->local_address(bound_);
  accepts_ = std::make_unique<Accepts>(*this, backlog);
  state_ = State::kListening;
  return 0;
}

int RdmaSocket::local_address(Address& out) {
  if (connection_ && connection_->local_address(out) == 0) return 0;
  out = bound_;
  out.family = static_cast<std::uint8_t>(family_);
  return 0;
}

int RdmaSocket::peer_address(Address& out) {
  return state_ == State::kConnected ? connection_->peer_address(out) : -ENOTCONN;
}

int RdmaSocket::set_option(SocketOption option, int value) {
  switch (option) {
    case SocketOption::kNoDelay:
      no_delay_ = value != 0;
      return 0;
    case SocketOption::kKeepAlive:
      keep_alive_ = value != 0;
      return 0;
    case SocketOption::kLinger:
      if (value < -1) return -EINVAL;
      linger_ = value;
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

int RdmaSocket::get_option(SocketOption option, int& value) {
  switch (option) {
    case SocketOption::kNoDelay:
      value = no_delay_ ? 1 : 0;
      return 0;
    case SocketOption::kKeepAlive:
      value = keep_alive_ ? 1 : 0;
      return 0;
    case SocketOption::kLinger:
      value = linger_;
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

// ---- connecting -----------------------------------------------------------------------------------------------------

void RdmaSocket::connect(Op& op, const Address& to) {
  if (state_ == State::kConnecting) return runtime_.complete(op, -EALREADY);
  if (state_ != State::kIdle) return runtime_.complete(op, -EISCONN);
  if (to.family != family_) return runtime_.complete(op, -EAFNOSUPPORT);
  // The address is the connection's from now on.
  listener_.reset();
  connection_ = std::make_unique<Connection>(context_);
  if (const int error = connection_->connect(bound_, to, *this); error != 0) {
    connection_.reset();
    return runtime_.complete(op, error);
  }
  connect_op_ = &op;
  state_ = State::kConnecting;
}

void RdmaSocket::on_established() {
  state_ = State::kConnected;
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), 0);
  start_send();
  drain();
}

void RdmaSocket::on_lost(int error) {
  if (state_ == State::kConnecting) return abandon(error);
  receiver_.lose(error);
  sender_.lose(error);
  drain();
}

// The attempt to connect. Another may follow.
void RdmaSocket::abandon(int error) {
  state_ = State::kIdle;
  Connection::leave(std::move(connection_));
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), error);
  sender_.start_over(error);
  receiver_.fail_pops(error);
}

// The peer sends no more, and takes what it is sent.
void RdmaSocket::on_shut() {
  receiver_.end();
  drain();
}

// The peer closed, both ways.
void RdmaSocket::on_ended() {
  receiver_.end();
  sender_.end();
  drain();
}

bool RdmaSocket::cancel(Op& op) {
  if (&op == connect_op_) {
    connect_op_ = nullptr;
    abandon(-ECANCELED);
    return true;
  }
  if (!op.linked) return false;
  switch (op.code) {
    case layout::kOpPush:
      if (!sender_.cancel(op)) return false;
      send_shut();
      return true;
    case layout::kOpAccept:
      return accepts_ && accepts_->cancel(op);
    default:
      receiver_.cancel(op);
      return true;
  }
}

int RdmaSocket::shutdown() {
  if (state_ != State::kConnected && state_ != State::kConnecting) return -ENOTCONN;
  sender_.shut();
  send_shut();
  return 0;
}

void RdmaSocket::close(std::unique_ptr<Queue>) {
  unlink();
  listener_.reset();
  for (auto& handshaking : std::exchange(handshaking_, {})) Connection::leave(std::move(handshaking->connection));
  if (accepts_) {
    for (auto& connection : accepts_->close()) Connection::leave(std::move(connection));
  }
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), -ECANCELED);
  if (connection_) {
    const std::chrono::seconds lingering(std::min(linger_, 60));
    Connection::leave(std::move(connection_), linger_ < 0 ? Connection::kLeaving : lingering);
  }
  sender_.close();
  receiver_.close();
}

// ---- accepting ------------------------------------------------------------------------------------------------------

void RdmaSocket::accept(Op& op) {
  if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
  accepts_->accept(op);
}

void RdmaSocket::on_request(Request& request) {
  if (accepts_->full(handshaking_.size())) {
    ++context_.counters.refused;
    const auto reason = static_cast<std::uint8_t>(Refusal::kBacklog);
    return request.reject({&reason, 1});
  }
  auto handshaking = std::make_unique<Handshaking>(*this);
  handshaking->connection = std::make_unique<Connection>(context_);
  if (handshaking->connection->accept(request, *handshaking) != 0) return;
  handshaking_.push_back(std::move(handshaking));
}

void RdmaSocket::on_paused() {
  ++context_.counters.accept_paused;
  context_.retries.when_descriptor(*this);
}

void RdmaSocket::on_handshake_over(Handshaking& of, bool accepted) {
  const auto found = std::ranges::find_if(handshaking_, [&](const auto& one) { return one.get() == &of; });
  if (found == handshaking_.end()) return;
  auto connection = std::move((*found)->connection);
  handshaking_.erase(found);
  if (!accepted) return Connection::leave(std::move(connection));
  connection->detach();
  accepts_->add(std::move(connection));
}

// ---- sending and receiving ------------------------------------------------------------------------------------------

void RdmaSocket::push(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  if (op.flags & layout::kFlagTo) return runtime_.complete(op, -EISCONN);
  if (sender_.push(op)) start_send();
}

bool RdmaSocket::try_push(Sga sga, std::uint32_t) {
  return state_ == State::kConnected && sender_.try_push(*connection_, sga);
}

void RdmaSocket::start_send() {
  if (state_ == State::kConnected) sender_.start(*connection_);
}

void RdmaSocket::send_shut() {
  if (state_ == State::kConnected) sender_.send_shut(*connection_);
}

Sga RdmaSocket::try_pop() { return state_ == State::kConnected ? receiver_.try_pop(*connection_) : 0; }

void RdmaSocket::pop(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  receiver_.pop(op);
  drain();
}

void RdmaSocket::drain() {
  if (connection_) receiver_.drain(*connection_);
}

void RdmaSocket::retry() {
  if (state_ == State::kListening) {
    listener_->resume();
    return accepts_->retry();
  }
  start_send();
  drain();
}

}  // namespace demi::rdma
