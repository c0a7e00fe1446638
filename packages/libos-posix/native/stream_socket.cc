#include "stream_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "socket_options.hpp"

namespace demi::posix {

StreamSocket::StreamSocket(Network& net, int fd, const StreamOptions& options)
    : StreamQueue(net, options.framed, options.max_message), net_(net), fd_(fd), options_(options) {}

StreamSocket::~StreamSocket() {
  if (fd_ >= 0) ::close(fd_);  // never got a queue descriptor, so was never closed
}

int StreamSocket::accepted(int fd) {
  fd_ = fd;
  const int error = attach();
  if (error == 0) connected();
  return error;
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

// ---- connections and their end --------------------------------------------------------------------------------------

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
  connecting(op);
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
  if (const int failure = attach(); failure != 0) return reset_connect(failure);
  connected();
}

// Back to an unconnected socket, which may try again.
void StreamSocket::reset_connect(int error) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  ::connect(fd_, &unspecified, sizeof unspecified);
  connect_failed(error);
}

bool StreamSocket::cancel(Op& op) {
  if (&op == connect_op_) {
    connect_op_ = nullptr;
    abandon_connect();
    reset_connect(-ECANCELED);
    return true;
  }
  if (op.code == layout::kOpAccept) return listener_ && listener_->cancel(op);
  return StreamQueue::cancel(op);
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
  end_pops();
  release(std::move(self));
}

void StreamSocket::shut_down() { ::shutdown(fd_, SHUT_RDWR); }

}  // namespace demi::posix
