#include "datagram_socket.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <cstring>
#include <utility>

#include "socket_options.hpp"

namespace demi::posix {

// Only what a pop was too short for waits: the rest stays in the kernel until it is asked for.
DatagramSocket::DatagramSocket(Context& context, int fd, const SocketRequest& request)
    : DatagramQueue(context.runtime, request, 1), context_(context), fd_(fd) {}

DatagramSocket::~DatagramSocket() {
  if (fd_ >= 0) context_.driver->close_watched(*this, fd_);  // never got a queue descriptor, so was never closed
}

// ---- control path ---------------------------------------------------------------------------------------------------

int DatagramSocket::bind(const Address& to) { return bind_socket(fd_, request_.family, to); }
int DatagramSocket::local_address(Address& out) { return local_address_of(fd_, out); }
int DatagramSocket::peer_address(Address& out) { return peer_address_of(fd_, out); }
int DatagramSocket::get_option(SocketOption option, int& value) { return get_socket_option(fd_, option, value); }
int DatagramSocket::set_option(SocketOption option, int value) {
  return option == SocketOption::kNoDelay ? -ENOPROTOOPT : set_socket_option(fd_, option, value);
}

void DatagramSocket::connect(Op& op, const Address& to) {
  if (to.family != request_.family) return runtime_.complete(op, -EAFNOSUPPORT);
  sockaddr_storage address;
  const socklen_t length = to.to_sockaddr(address);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), length) != 0) return runtime_.complete(op, -errno);
  // As the kernel has it, which makes the loopback address of an unspecified one.
  Address peer;
  if (const int error = peer_address_of(fd_, peer); error != 0) return runtime_.complete(op, error);
  connected(peer);
  if (raw_ != 0 && stranger(runtime_.arena().address(raw_))) runtime_.arena().free(std::exchange(raw_, 0));
  runtime_.complete(op, 0);
}

void DatagramSocket::close(std::unique_ptr<Queue>) {
  end_all();
  if (raw_ != 0) runtime_.arena().free(std::exchange(raw_, 0));
  context_.driver->close_watched(*this, std::exchange(fd_, -1));
}

void DatagramSocket::on_ready(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLERR)) && wants_send()) {
    if (resume_send()) {
      context_.driver->on_writable_seen(*this, fd_);
    } else {
      context_.driver->watch_writable(*this, fd_);
    }
  }
  start_receive();
}

void DatagramSocket::retry() { receive(); }

// ---- sending --------------------------------------------------------------------------------------------------------

int DatagramSocket::send(std::span<const iovec> pieces, const Address& to) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  sockaddr_storage address;
  if (to.family != 0) {
    message.msg_name = &address;
    message.msg_namelen = to.to_sockaddr(address);
  }
  ssize_t n;
  do {
    n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void DatagramSocket::start_receive() {
  if (!linked()) receive();
}

void DatagramSocket::receive() {
  for (int turn = 0; wants_datagrams(); ++turn) {
    if (raw_ == 0) {
      if (!readable_) return;
      if (turn >= kTurn) return context_.retries.soon(*this);
      const int error = receive_one();
      if (error == -EAGAIN) {
        readable_ = false;
        return;
      }
      if (error == -ENOBUFS) {
        ++context_.counters.receive_starved;
        return context_.retries.when_memory(*this);
      }
      if (error != 0) {
        fail_pop(error);
        continue;
      }
      // Of others the kernel refuses what comes from now on, but keeps what came before the socket was connected.
      if (stranger(runtime_.arena().address(raw_))) [[unlikely]] {
        runtime_.arena().free(std::exchange(raw_, 0));
        continue;
      }
    }
    const int error = received(raw_);
    if (error == -ENOBUFS) return context_.retries.when_memory(*this);
    raw_ = 0;
    if (error != 0) ++context_.counters.bad_datagrams;
  }
}

int DatagramSocket::receive_one() {
  Arena& arena = runtime_.arena();
  const Sga head = context_.classes.alloc_down_from(arena, context_.classes.stream());
  if (head == 0) return -ENOBUFS;
  const std::uint32_t capacity = arena.slot_capacity(head);
  // A datagram longer than the slot ends in the spill and is put together in a larger slot. Without one free, look at
  // the length first, so that the datagram stays in the socket.
  if (arena.free_slots(context_.classes.datagram()) == 0) {
    const ssize_t length = ::recv(fd_, arena.slot_start(head), capacity, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (length > static_cast<ssize_t>(capacity)) {
      arena.free(head);
      return -ENOBUFS;
    }
  }
  sockaddr_storage address{};
  iovec iov[2] = {{arena.slot_start(head), capacity}, {context_.spill(), SlotClasses::kDatagramBytes}};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = iov;
  message.msg_iovlen = 2;
  const ssize_t n = ::recvmsg(fd_, &message, MSG_DONTWAIT);
  if (n < 0) {
    const int error = errno == EINTR ? EAGAIN : errno;
    arena.free(head);
    // Interrupted or out of kernel memory: the datagram is still there, so is readable_.
    return error == ENOMEM ? -ENOBUFS : -error;
  }
  const auto size = static_cast<std::uint32_t>(n);
  raw_ = (message.msg_flags & MSG_TRUNC) != 0 ? 0 : join(head, size);
  if (raw_ == 0) {
    ++context_.counters.datagrams_too_large;
    arena.free(head);
    return -EMSGSIZE;
  }
  arena.set_address(raw_, Address::from_sockaddr(address));
  return 0;
}

Sga DatagramSocket::join(Sga head, std::uint32_t size) {
  Arena& arena = runtime_.arena();
  const std::uint32_t capacity = arena.slot_capacity(head);
  if (size <= capacity) {
    arena.set_range(head, 0, size);
    return head;
  }
  const Sga whole = arena.alloc(size);
  if (whole == 0) return 0;
  std::memcpy(arena.slot_start(whole), arena.slot_start(head), capacity);
  std::memcpy(arena.slot_start(whole) + capacity, context_.spill(), size - capacity);
  arena.free(head);
  return whole;
}

}  // namespace demi::posix
