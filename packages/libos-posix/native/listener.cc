#include "listener.hpp"

#include <sys/socket.h>

#include "stream_socket.hpp"

namespace demi::posix {

void Listener::close() {
  context_.driver->close_watched(*this, fd_);
  end_accepts();
}

void Listener::on_ready(std::uint32_t) {
  ready_ = true;
  arrived();
}

std::unique_ptr<Queue> Listener::socket() { return context_.driver->stream(-1, request_); }

int Listener::take(Queue& socket) {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | context_.driver->accept_flags());
  if (fd >= 0) return static_cast<StreamSocket&>(socket).accepted(fd);
  if (errno == EAGAIN) ready_ = false;
  return -errno;
}

void Listener::pause() {
  ++context_.counters.accept_paused;
  AcceptQueue::pause();
}

}  // namespace demi::posix
