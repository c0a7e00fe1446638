#include "rdma_socket.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace demi::rdma {

// A connection a listener has accepted and whose other side has not yet heard of it.
class RdmaSocket::Handshaking final : public ConnectionEvents {
 public:
  explicit Handshaking(RdmaSocket& listener) : listener_(listener) {}

  void established() override { listener_.handshake_over(*this, true); }
  void arrived() override {}
  void writable() override {}
  void pushed(Op&) override {}
  void shut() override {}
  void ended() override {}
  void lost(int) override { listener_.handshake_over(*this, false); }

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

RdmaSocket::RdmaSocket(Context& context, int family) : Queue(context.runtime), context_(context), family_(family) {}
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

void RdmaSocket::established() {
  state_ = State::kConnected;
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), 0);
  start_send();
  drain();
}

void RdmaSocket::lost(int error) {
  if (state_ == State::kConnecting) {
    // Another attempt may follow.
    state_ = State::kIdle;
    shut_ = false;
    Connection::leave(std::move(connection_));
    if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), error);
    runtime_.fail_all(pushes_, error);
    return runtime_.fail_all(pops_, error);
  }
  if (send_error_ == 0) send_error_ = error;
  if (receive_error_ == 0 && !ended_) receive_error_ = error;
  runtime_.fail_all(sending_, error);
  runtime_.fail_all(pushes_, send_error_);
  drain();
}

// The peer sends no more, and takes what it is sent.
void RdmaSocket::shut() {
  ended_ = true;
  drain();
}

// The peer closed, both ways: what is not under way to it would never be popped.
void RdmaSocket::ended() {
  ended_ = true;
  if (send_error_ == 0) send_error_ = -EPIPE;
  runtime_.fail_all(pushes_, send_error_);
  drain();
}

bool RdmaSocket::cancel(Op& op) {
  if (&op == connect_op_) {
    connect_op_ = nullptr;
    state_ = State::kIdle;
    shut_ = false;
    Connection::leave(std::move(connection_));
    runtime_.fail_all(pushes_, -ECANCELED);
    runtime_.fail_all(pops_, -ECANCELED);
    return true;
  }
  if (!op.linked) return false;
  switch (op.code) {
    case layout::kOpPush:
      // What went out cannot be taken back, and a message with a hole would be worthless.
      if (op.started || op.cursor != 0) return false;
      pushes_.remove(op);
      send_end();
      return true;
    case layout::kOpAccept:
      return accepts_ && accepts_->cancel(op);
    default:
      pops_.remove(op);
      return true;
  }
}

int RdmaSocket::shutdown() {
  if (state_ != State::kConnected && state_ != State::kConnecting) return -ENOTCONN;
  shut_ = true;
  send_end();
  return 0;
}

// After shutdown(), behind all pushes.
void RdmaSocket::send_end() {
  if (!shut_ || end_sent_ || state_ != State::kConnected || !pushes_.empty() || send_error_ != 0) return;
  end_sent_ = connection_->send_shut(*this);
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
  // The memory of those under way is pinned until the fabric has read it.
  runtime_.fail_all(sending_, -ECANCELED);
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  if (message_ != 0) runtime_.arena().free(std::exchange(message_, 0));
  if (assembly_ != 0) runtime_.arena().free(std::exchange(assembly_, 0));
}

// ---- accepting ------------------------------------------------------------------------------------------------------

void RdmaSocket::accept(Op& op) {
  if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
  accepts_->accept(op);
}

void RdmaSocket::requested(Request& request) {
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

void RdmaSocket::paused() {
  ++context_.counters.accept_paused;
  context_.retries.when_descriptor(*this);
}

void RdmaSocket::handshake_over(Handshaking& of, bool accepted) {
  const auto found = std::ranges::find_if(handshaking_, [&](const auto& one) { return one.get() == &of; });
  if (found == handshaking_.end()) return;
  auto connection = std::move((*found)->connection);
  handshaking_.erase(found);
  if (!accepted) return Connection::leave(std::move(connection));
  connection->detach();
  accepts_->add(std::move(connection));
}

// ---- sending --------------------------------------------------------------------------------------------------------

void RdmaSocket::push(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  if (op.flags & layout::kFlagTo) return runtime_.complete(op, -EISCONN);
  if (send_error_ != 0) return runtime_.complete(op, send_error_);
  if (shut_) return runtime_.complete(op, -EPIPE);
  if (pushes_.size() + sending_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  pushes_.push_back(op);
  if (state_ == State::kConnected) start_send();
}

void RdmaSocket::start_send() {
  while (!pushes_.empty() && send_error_ == 0) {
    Op& op = *pushes_.front();
    if (op.limit > connection_->peer().most_message) {
      // In order: those before it first.
      if (!sending_.empty()) return;
      pushes_.remove(op);
      runtime_.complete(op, -EMSGSIZE);
      continue;
    }
    const Connection::Sent sent = connection_->send(op, *this);
    if (sent == Connection::Sent::kLater) return;
    pushes_.remove(op);
    if (sent == Connection::Sent::kDone) {
      runtime_.complete(op, static_cast<std::int32_t>(op.limit));
    } else {
      op.started = true;
      sending_.push_back(op);
    }
  }
  send_end();
}

bool RdmaSocket::try_push(Sga sga, std::uint32_t) {
  if (state_ != State::kConnected || shut_ || !pushes_.empty() || !sending_.empty() || send_error_ != 0) return false;
  Arena& arena = runtime_.arena();
  if (!connection_->send_whole(arena.bytes_of(sga))) return false;
  arena.free(sga);
  return true;
}

void RdmaSocket::pushed(Op& op) {
  sending_.remove(op);
  runtime_.complete(op, static_cast<std::int32_t>(op.limit));
  if (!pushes_.empty()) start_send();
}

// ---- receiving ------------------------------------------------------------------------------------------------------

Sga RdmaSocket::try_pop() {
  if (state_ != State::kConnected || !pops_.empty() || taken_ != 0) return 0;
  if (message_ == 0 && !next_message()) return 0;
  return std::exchange(message_, 0);
}

void RdmaSocket::pop(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  pops_.push_back(op);
  drain();
}

void RdmaSocket::drain() {
  while (!pops_.empty()) {
    Op& op = *pops_.front();
    if (message_ != 0 || next_message()) {
      const std::uint32_t left = runtime_.arena().total(message_) - taken_;
      if (taken_ == 0 && (op.limit == 0 || op.limit >= left)) {
        deliver(op);
      } else if (!deliver_part(op)) {
        return context_.retries.when_memory(*this);
      }
      continue;
    }
    if (!connection_ || !connection_->empty() || linked()) return;
    if (receive_error_ == 0 && ended_ && assembly_ != 0) receive_error_ = -ECONNABORTED;
    if (receive_error_ != 0) return runtime_.fail_all(pops_, receive_error_);
    if (!ended_) return;
    runtime_.complete(*pops_.pop_front(), 0);
  }
}

// True when message_ is one.
bool RdmaSocket::next_message() {
  if (!connection_ || connection_->empty()) return false;
  if (connection_->front().header.more || assembly_ != 0) return assemble();
  message_ = connection_->take_front();
  taken_ = 0;
  return true;
}

// A message of several fragments is copied together, and each fragment's receive posted again at once.
bool RdmaSocket::assemble() {
  Arena& arena = runtime_.arena();
  if (assembly_ == 0) {
    std::array<std::uint32_t, layout::kMaxSegments> sizes;
    std::size_t count = 0;
    for (std::uint32_t left = connection_->front().header.message; left != 0; ++count) {
      sizes[count] = std::min(left, arena.largest());
      left -= sizes[count];
    }
    assembly_ = arena.alloc_chain({sizes.data(), count});
    if (assembly_ == 0) {
      context_.retries.when_memory(*this);
      return false;
    }
    assembled_ = 0;
  }
  while (!connection_->empty()) {
    const auto fragment = connection_->front_bytes();
    const bool more = connection_->front().header.more;
    std::size_t skip = assembled_;
    std::size_t done = 0;
    arena.for_each_segment(assembly_, [&](std::span<std::uint8_t> segment) {
      const std::size_t before = std::min(skip, segment.size());
      skip -= before;
      const std::size_t n = std::min(segment.size() - before, fragment.size() - done);
      std::memcpy(segment.data() + before, fragment.data() + done, n);
      done += n;
    });
    assembled_ += static_cast<std::uint32_t>(fragment.size());
    connection_->drop_front();
    if (more) continue;
    message_ = std::exchange(assembly_, 0);
    taken_ = 0;
    return true;
  }
  return false;
}

void RdmaSocket::deliver(Op& op) {
  const auto length = static_cast<std::int32_t>(runtime_.arena().total(message_));
  pops_.remove(op);
  runtime_.complete(op, length, std::exchange(message_, 0));
}

// A pop that wants less than there is, or the rest of a message: a copy. False when there is no memory for it.
bool RdmaSocket::deliver_part(Op& op) {
  Arena& arena = runtime_.arena();
  const std::uint32_t left = arena.total(message_) - taken_;
  const std::uint32_t bytes = op.limit == 0 ? left : std::min(left, op.limit);
  std::array<std::uint32_t, layout::kMaxSegments> sizes;
  std::size_t count = 0;
  for (std::uint32_t rest = bytes; rest != 0; ++count) {
    sizes[count] = std::min(rest, arena.largest());
    rest -= sizes[count];
  }
  const Sga part = arena.alloc_chain({sizes.data(), count});
  if (part == 0) return false;
  iovec from[layout::kMaxSegments];
  const int pieces = arena.gather(message_, taken_, from, layout::kMaxSegments);
  int piece = 0;
  std::size_t used = 0;
  arena.for_each_segment(part, [&](std::span<std::uint8_t> to) {
    for (std::size_t done = 0; done < to.size() && piece < pieces;) {
      const std::size_t n = std::min(to.size() - done, from[piece].iov_len - used);
      std::memcpy(to.data() + done, static_cast<const std::uint8_t*>(from[piece].iov_base) + used, n);
      done += n;
      used += n;
      if (used == from[piece].iov_len) {
        ++piece;
        used = 0;
      }
    }
  });
  taken_ += bytes;
  if (bytes == left) {
    arena.free(std::exchange(message_, 0));
    taken_ = 0;
  }
  pops_.remove(op);
  runtime_.complete(op, static_cast<std::int32_t>(bytes), part);
  return true;
}

void RdmaSocket::retry() {
  if (state_ == State::kListening) {
    listener_->resume();
    return accepts_->retry();
  }
  if (connection_) start_send();
  drain();
}

}  // namespace demi::rdma
