#include "listener.hpp"

#include <sys/socket.h>

#include "stream_socket.hpp"

namespace demi::posix {

namespace {

// The connection failed before it was accepted; accept(2) reports that on the listener. The next one may be fine.
bool connection_lost(int error) {
  switch (-error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Listener::accept(Op& op) {
  accepts_.push_back(op);
  if (ready_ && !linked()) run();
}

bool Listener::cancel(Op& op) {
  if (!op.linked) return false;
  accepts_.remove(op);
  return true;
}

void Listener::close() {
  unlink();
  net_.driver->close_watched(*this, fd_);
  net_.runtime.fail_all(accepts_, -ECANCELED);
}

void Listener::on_ready(std::uint32_t) {
  ready_ = true;
  if (!linked()) run();
}

void Listener::retry() { run(); }

void Listener::run() {
  for (int turn = 0; ready_ && !accepts_.empty(); ++turn) {
    if (turn == kTurn) return net_.retries.soon(*this);
    Qd qd = 0;
    const int error = accept_one(qd);
    if (error == -EAGAIN) {
      ready_ = false;
    } else if (net::descriptor_shortage(error)) {
      ++net_.counters.accept_paused;
      return net_.retries.when_descriptor(*this);
    } else if (!connection_lost(error)) {
      net_.runtime.complete(*accepts_.pop_front(), error, qd);
    }
  }
}

int Listener::accept_one(Qd& qd) {
  // The descriptor of ours first: a connection taken from the backlog could not be put back.
  auto stream = net_.driver->stream(-1, request_);
  StreamSocket& socket = *stream;
  qd = net_.runtime.adopt(std::move(stream));
  if (qd < 0) {
    qd = 0;
    return -EMFILE;
  }
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | net_.driver->accept_flags());
  const int error = fd < 0 ? -errno : socket.accepted(fd);
  if (error != 0) {
    net_.runtime.close(qd);
    qd = 0;
  }
  return error;
}

}  // namespace demi::posix
