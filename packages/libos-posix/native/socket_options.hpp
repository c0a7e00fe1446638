// Kernel socket calls that both kinds of socket share. 0 or a negative errno.
#pragma once

#include "demi/address.hpp"
#include "demi/engine.hpp"

namespace demi::posix {

// A non-blocking, close-on-exec socket with this libOS's defaults: IPv6 only for family 6, TCP_NODELAY. A descriptor or
// a negative errno.
int open_socket(SocketKind kind, int family);

int bind_socket(int fd, int family, const Address& to);
int local_address_of(int fd, Address& out);
int peer_address_of(int fd, Address& out);
int set_socket_option(int fd, SocketOption option, int value);
int get_socket_option(int fd, SocketOption option, int& value);

}  // namespace demi::posix
