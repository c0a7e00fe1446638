#include "stream_socket.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "socket_options.hpp"

namespace demi::posix {

StreamSocket::StreamSocket(Context& context, int fd, const SocketRequest& request)
    : StreamQueue(context, request), context_(context), fd_(fd), request_(request) {}

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
  // A restarted server gets its port back at once, unless the application has said otherwise. Not for datagrams, where the option lets
  // another process take the port over.
  if (!reuse_chosen_) {
    if (const int error = set_socket_option(fd_, SocketOption::kReuseAddress, 1); error != 0) return error;
  }
  return bind_socket(fd_, request_.family, to);
}

int StreamSocket::listen(int backlog) {
  if (state_ != State::kIdle && state_ != State::kListening) return -EINVAL;
  if (::listen(fd_, net::AcceptQueue::clamp_backlog(backlog)) != 0) return -errno;
  if (state_ == State::kListening) return 0;
  auto listener = std::make_unique<Listener>(context_, fd_, request_);
  if (const int error = listener->start(); error != 0) return error;
  listener_ = std::move(listener);
  state_ = State::kListening;
  return 0;
}

int StreamSocket::local_address(Address& out) { return local_address_of(fd_, out); }
int StreamSocket::peer_address(Address& out) { return peer_address_of(fd_, out); }
int StreamSocket::set_option(SocketOption option, int value) {
  const int error = set_socket_option(fd_, option, value);
  if (error == 0 && option == SocketOption::kReuseAddress) reuse_chosen_ = true;
  if (option == SocketOption::kLinger) context_.lingers = true;  // accepted sockets inherit it
  return error;
}
int StreamSocket::get_option(SocketOption option, int& value) { return get_socket_option(fd_, option, value); }

// ---- connections and their end --------------------------------------------------------------------------------------

void StreamSocket::accept(Op& op) {
  if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
  listener_->accept(op);
}

void StreamSocket::connect(Op& op, const Address& to) {
  if (state_ == State::kConnecting) return runtime_.complete(op, -EALREADY);
  if (state_ != State::kIdle) return runtime_.complete(op, -EISCONN);
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  sockaddr_storage address;
  const socklen_t length = to.to_sockaddr(address);
  const int error = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0 ? 0 : -errno;
  if (error != 0 && error != -EINPROGRESS && error != -EINTR) return runtime_.complete(op, error);
  connecting(op);
  if (const int failure = await_connect(); failure != 0) reset_connect(failure);
}

void StreamSocket::on_connect_ended() {
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
  Context& context = context_;
  int linger = -1;
  const int fd = state_ == State::kConnected ? stay_behind(linger) : -1;
  // It may be connected by now, though nobody has been told.
  if (state_ == State::kConnecting && context_.lingers && get_option(SocketOption::kLinger, linger) == 0 && linger > 0)
    set_socket_option(fd_, SocketOption::kLinger, -1);
  end_pops();
  release(std::move(self));  // may end this object
  if (fd >= 0) context.farewells.take(fd, linger);
}

// A descriptor of the connection that stays open after this one's is closed, where close(2) would wait, or lose what was pushed; else -1.
int StreamSocket::stay_behind(int& linger) {
  if (context_.lingers) get_socket_option(fd_, SocketOption::kLinger, linger);
  if (linger == 0) return -1;  // a reset is asked for
  int unsent = 0;
  int unread = 0;
  if (::ioctl(fd_, SIOCOUTQ, &unsent) != 0 || ::ioctl(fd_, SIOCINQ, &unread) != 0) unsent = 1;
  const bool delivered = unsent == 0 && unread == 0;
  const int fd = delivered ? -1 : ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  // Delivered, or out of descriptors: the kernel's close has to do, which must not wait.
  if (fd < 0 && linger > 0) set_socket_option(fd_, SocketOption::kLinger, -1);
  return fd;
}

// The kernel says once that a connection was reset. An io_uring send that was resumed (MSG_WAITALL) may have taken it and completed short,
// and the receive then sees an end of the stream that did not happen.
void StreamSocket::on_receive_end() {
  tcp_info info{};
  socklen_t length = sizeof info;
  const bool gone =
      !shut_ && ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == TCP_CLOSE;
  if (gone) {
    failed(-ECONNRESET);
  } else {
    ended();
  }
}

void StreamSocket::end_sending() { ::shutdown(fd_, SHUT_WR); }

void StreamSocket::shut_down() { ::shutdown(fd_, SHUT_RDWR); }

}  // namespace demi::posix
