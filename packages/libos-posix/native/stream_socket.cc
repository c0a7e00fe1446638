#include "stream_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "socket_options.hpp"

namespace demi::posix {

using layout::kFlagTo;

StreamSocket::StreamSocket(Network& net, int fd, const StreamOptions& options)
    : Queue(net.runtime), net_(net), fd_(fd), options_(options) {
  if (options.framed) decoder_ = std::make_unique<dmtr::Decoder>(runtime_.arena(), options.max_message);
}

StreamSocket::~StreamSocket() {
  drop_inbox();
  if (fd_ >= 0) ::close(fd_);  // never got a queue descriptor, so was never closed
}

int StreamSocket::accepted(int fd) {
  fd_ = fd;
  state_ = State::kConnected;
  return attach();
}

// ---- control path ---------------------------------------------------------------------------------------------------

int StreamSocket::bind(const Address& to) {
  if (state_ != State::kIdle) return -EINVAL;
  return bind_socket(fd_, options_.family, SocketKind::kStream, to);
}

int StreamSocket::listen(int backlog) {
  if (state_ != State::kIdle && state_ != State::kListening) return -EINVAL;
  if (::listen(fd_, std::clamp(backlog, 1, 65535)) != 0) return -errno;
  if (state_ == State::kListening) return 0;
  auto listener = std::make_unique<Listener>(net_, fd_, options_);
  if (const int error = listener->start(); error != 0) return error;
  listener_ = std::move(listener);
  state_ = State::kListening;
  return 0;
}

int StreamSocket::local_address(Address& out) { return local_address_of(fd_, out); }
int StreamSocket::peer_address(Address& out) { return peer_address_of(fd_, out); }
int StreamSocket::set_option(SocketOption option, int value) { return set_socket_option(fd_, option, value); }
int StreamSocket::get_option(SocketOption option, int& value) { return get_socket_option(fd_, option, value); }

// ---- data path: starting and ending operations ----------------------------------------------------------------------

void StreamSocket::push(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  if (op.flags & kFlagTo) return runtime_.complete(op, -EISCONN);
  if (send_error_ != 0) return runtime_.complete(op, send_error_);
  if (pushes_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  pushes_.push_back(op);
  if (state_ == State::kConnected) start_send();
}

void StreamSocket::pop(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  pops_.push_back(op);
  satisfy();
}

void StreamSocket::accept(Op& op) {
  if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
  listener_->accept(op);
}

void StreamSocket::connect(Op& op, const Address& to) {
  if (state_ == State::kConnecting) return runtime_.complete(op, -EALREADY);
  if (state_ != State::kIdle) return runtime_.complete(op, -EISCONN);
  if (to.family != options_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  sockaddr_storage address;
  const socklen_t length = to.to_sockaddr(address);
  const int error = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0 ? 0 : -errno;
  if (error != 0 && error != -EINPROGRESS && error != -EINTR) return runtime_.complete(op, error);
  connect_op_ = &op;
  state_ = State::kConnecting;
  if (const int failure = await_connect(); failure != 0) reset_connect(failure);
}

void StreamSocket::connect_ended() {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    abandon_connect();
    return reset_connect(-error);
  }
  state_ = State::kConnected;
  if (const int failure = attach(); failure != 0) return reset_connect(failure);
  runtime_.complete(*std::exchange(connect_op_, nullptr), 0);
  if (!pushes_.empty()) start_send();
  satisfy();
}

// Back to an unconnected socket, which may try again.
void StreamSocket::reset_connect(int error) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  ::connect(fd_, &unspecified, sizeof unspecified);
  state_ = State::kIdle;
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), error);
  runtime_.fail_all(pushes_, error);
  runtime_.fail_all(pops_, error);
}

bool StreamSocket::cancel(Op& op) {
  if (&op == connect_op_) {
    connect_op_ = nullptr;
    abandon_connect();
    reset_connect(-ECANCELED);
    return true;
  }
  if (op.code == layout::kOpAccept) return listener_ && listener_->cancel(op);
  if (!op.linked) return false;
  if (op.code == layout::kOpPush) {
    // Bytes that went out cannot be taken back, and a stream with a hole would be worthless.
    if (op.started || op.cursor != 0) return false;
    pushes_.remove(op);
  } else {
    pops_.remove(op);
    if (pops_.empty()) stop_receive();
  }
  return true;
}

void StreamSocket::close(std::unique_ptr<Queue> self) {
  if (listener_) {
    listener_->close();
    fd_ = -1;
  }
  if (connect_op_ != nullptr) {
    abandon_connect();
    runtime_.complete(*std::exchange(connect_op_, nullptr), -ECANCELED);
  }
  if (state_ == State::kConnected && !pushes_.empty() && !sending()) send_rest();
  runtime_.fail_all(pops_, -ECANCELED);
  memory_wait_.unlink();
  drop_inbox();
  release(std::move(self));
}

// ---- sending --------------------------------------------------------------------------------------------------------

std::uint64_t StreamSocket::wire_bytes(const Op& op) const {
  return decoder_ ? dmtr::encoded_bytes(runtime_.arena(), op.sga) : op.limit;
}

void StreamSocket::gather(Outgoing& out, bool commit) {
  const Arena& arena = runtime_.arena();
  out.iovecs = out.pushes = 0;
  for (Op* op = pushes_.front(); op != nullptr && out.iovecs < Outgoing::kIovecs; op = op->next) {
    const int room = Outgoing::kIovecs - out.iovecs;
    iovec* iov = out.iov + out.iovecs;
    if (decoder_) {
      if (out.pushes == Outgoing::kMessages || room < dmtr::kMaxIovecs) break;
      out.iovecs += dmtr::encode(arena, op->sga, op->cursor, out.framing[out.pushes], iov);
    } else {
      out.iovecs += arena.gather(op->sga, op->cursor, iov, room);
    }
    if (commit) op->started = true;
    ++out.pushes;
  }
}

void StreamSocket::sent(std::size_t bytes) {
  while (bytes != 0 && !pushes_.empty()) {
    Op& op = *pushes_.front();
    const std::uint64_t left = wire_bytes(op) - op.cursor;
    if (bytes < left) {
      op.cursor += static_cast<std::uint32_t>(bytes);
      return;
    }
    bytes -= left;
    pushes_.remove(op);
    runtime_.complete(op, static_cast<std::int32_t>(op.limit));
  }
}

void StreamSocket::send_failed(int error) { set_send_error(error); }

void StreamSocket::set_send_error(int error) {
  if (send_error_ == 0) send_error_ = error;
  if (!sending()) runtime_.fail_all(pushes_, send_error_);
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void StreamSocket::received(Sga chunk) {
  if (receive_error_ != 0) return runtime_.arena().free(chunk);  // refused
  if (!decoder_ && inbox_.empty() && !pops_.empty()) [[likely]] {
    const auto length = static_cast<std::uint32_t>(runtime_.arena().bytes_of(chunk).size());
    Op& op = *pops_.front();
    if (op.limit == 0 || length <= op.limit) {
      pops_.remove(op);
      return runtime_.complete(op, static_cast<std::int32_t>(length), chunk);
    }
  }
  inbox_.push(chunk);
  ++net_.unpopped;
  drain();
}

void StreamSocket::ended() {
  ended_ = true;
  // The kernel reports a reset once; if a send met it first, the receive sees only the end.
  if (send_error_ != 0 && receive_error_ == 0) receive_error_ = send_error_;
  drain();
}

void StreamSocket::failed(int error) {
  if (receive_error_ == 0) receive_error_ = error;
  set_send_error(error);
  drain();
}

void StreamSocket::satisfy() {
  drain();
  if (wants_bytes()) start_receive();
}

void StreamSocket::drain() {
  while (!pops_.empty()) {
    Op& op = *pops_.front();
    if (decoder_ ? pop_message(op) : pop_bytes(op)) continue;
    if (!inbox_.empty() || memory_wait_.linked()) return;
    if (ended_ && receive_error_ == 0 && decoder_ && decoder_->partial()) receive_error_ = -ECONNABORTED;
    if (receive_error_ != 0) return runtime_.fail_all(pops_, receive_error_);
    if (!ended_) return;
    runtime_.complete(*pops_.pop_front(), 0);
  }
}

// True when the operation has ended.
bool StreamSocket::pop_bytes(Op& op) {
  if (inbox_.empty()) return false;
  Arena& arena = runtime_.arena();
  const std::span<std::uint8_t> bytes = arena.bytes_of(inbox_.front());
  Sga out = inbox_.front();
  auto length = static_cast<std::uint32_t>(bytes.size());
  if (op.limit == 0 || length <= op.limit) {
    take_front();
  } else {
    out = arena.alloc(op.limit);
    if (out == 0) {
      net_.retries.when_memory(memory_wait_);
      return false;
    }
    length = op.limit;
    std::memcpy(arena.slot_start(out), bytes.data(), length);
    const auto offset = static_cast<std::uint32_t>(bytes.data() - arena.slot_start(inbox_.front()));
    arena.set_range(inbox_.front(), offset + length, static_cast<std::uint32_t>(bytes.size()) - length);
  }
  pops_.remove(op);
  runtime_.complete(op, static_cast<std::int32_t>(length), out);
  return true;
}

bool StreamSocket::pop_message(Op& op) {
  Arena& arena = runtime_.arena();
  while (held_ == 0) {
    std::span<const std::uint8_t> in;
    if (!inbox_.empty()) in = arena.bytes_of(inbox_.front());
    const std::uint8_t* const start = in.data();
    const std::int32_t result = decoder_->decode(in, held_);
    if (!inbox_.empty()) {
      if (in.empty()) {
        arena.free(take_front());
      } else {
        const auto taken = static_cast<std::uint32_t>(in.data() - start);
        const auto offset = static_cast<std::uint32_t>(start - arena.slot_start(inbox_.front()));
        arena.set_range(inbox_.front(), offset + taken, static_cast<std::uint32_t>(in.size()));
      }
    }
    if (result > 0) break;
    if (result == dmtr::Decoder::kNeedMore) {
      if (inbox_.empty()) return false;
    } else if (result == dmtr::Decoder::kBlocked) {
      net_.retries.when_memory(memory_wait_);
      return false;
    } else {
      refuse(result);
      return false;
    }
  }
  const std::uint32_t length = arena.total(held_);
  pops_.remove(op);
  if (op.limit != 0 && op.limit < length) {
    runtime_.complete(op, -EMSGSIZE);
  } else {
    runtime_.complete(op, static_cast<std::int32_t>(length), std::exchange(held_, 0));
  }
  return true;
}

void StreamSocket::refuse(int error) {
  ++net_.counters.bad_messages;
  if (receive_error_ == 0) receive_error_ = error;
  while (!inbox_.empty()) runtime_.arena().free(take_front());
  ::shutdown(fd_, SHUT_RDWR);
  set_send_error(error);
}

Sga StreamSocket::take_front() {
  --net_.unpopped;
  return inbox_.pop();
}

void StreamSocket::drop_inbox() {
  while (!inbox_.empty()) runtime_.arena().free(take_front());
  if (held_ != 0) runtime_.arena().free(std::exchange(held_, 0));
}

}  // namespace demi::posix
