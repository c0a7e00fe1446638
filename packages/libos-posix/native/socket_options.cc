#include "socket_options.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

namespace demi::posix {

namespace {

struct KernelOption {
  int level = 0;
  int name = 0;
};

// Level 0 name 0 for what is no plain integer option.
KernelOption kernel_option(SocketOption option) {
  switch (option) {
    case SocketOption::kNoDelay:
      return {IPPROTO_TCP, TCP_NODELAY};
    case SocketOption::kKeepAlive:
      return {SOL_SOCKET, SO_KEEPALIVE};
    case SocketOption::kReuseAddress:
      return {SOL_SOCKET, SO_REUSEADDR};
    case SocketOption::kReusePort:
      return {SOL_SOCKET, SO_REUSEPORT};
    case SocketOption::kSendBuffer:
      return {SOL_SOCKET, SO_SNDBUF};
    case SocketOption::kReceiveBuffer:
      return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::kLinger:
      break;
  }
  return {};
}

int result(int r) { return r == 0 ? 0 : -errno; }

int set_int(int fd, int level, int name, int value) {
  return result(::setsockopt(fd, level, name, &value, sizeof value));
}

}  // namespace

int open_socket(SocketKind kind, int family) {
  if (family != 4 && family != 6) return -EAFNOSUPPORT;
  const int type = kind == SocketKind::kStream ? SOCK_STREAM : SOCK_DGRAM;
  const int fd = ::socket(family == 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = 0;
  if (family == 6) error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  // Accepted sockets inherit it from the listener: no call per connection.
  if (error == 0 && kind == SocketKind::kStream) error = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (error == 0) return fd;
  ::close(fd);
  return error;
}

int bind_socket(int fd, int family, const Address& to) {
  if (to.family != family) return -EAFNOSUPPORT;
  sockaddr_storage address;
  const socklen_t length = to.to_sockaddr(address);
  return result(::bind(fd, reinterpret_cast<sockaddr*>(&address), length));
}

int local_address_of(int fd, Address& out) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -errno;
  out = Address::from_sockaddr(address);
  return 0;
}

int peer_address_of(int fd, Address& out) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -errno;
  out = Address::from_sockaddr(address);
  return 0;
}

int set_socket_option(int fd, SocketOption option, int value) {
  if (option == SocketOption::kLinger) {
    if (value < -1) return -EINVAL;
    const linger l{value >= 0 ? 1 : 0, value >= 0 ? value : 0};
    return result(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
  }
  const KernelOption o = kernel_option(option);
  if (o.name == 0) return -ENOPROTOOPT;
  const bool size = option == SocketOption::kSendBuffer || option == SocketOption::kReceiveBuffer;
  if (size ? value <= 0 : value != 0 && value != 1) return -EINVAL;
  return set_int(fd, o.level, o.name, value);
}

int get_socket_option(int fd, SocketOption option, int& value) {
  if (option == SocketOption::kLinger) {
    linger l{};
    socklen_t length = sizeof l;
    if (::getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &length) != 0) return -errno;
    value = l.l_onoff != 0 ? l.l_linger : -1;
    return 0;
  }
  const KernelOption o = kernel_option(option);
  if (o.name == 0) return -ENOPROTOOPT;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, o.level, o.name, &value, &length) != 0) return -errno;
  const bool size = option == SocketOption::kSendBuffer || option == SocketOption::kReceiveBuffer;
  if (!size) value = value != 0 ? 1 : 0;
  return 0;
}

}  // namespace demi::posix
