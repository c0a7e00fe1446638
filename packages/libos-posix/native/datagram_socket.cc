#include "datagram_socket.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <cstring>
#include <utility>

#include "socket_options.hpp"

namespace demi::posix {

DatagramSocket::DatagramSocket(Network& net, int fd, const SocketRequest& request)
    : Queue(net.runtime), net_(net), fd_(fd), request_(request) {}

DatagramSocket::~DatagramSocket() {
  if (fd_ >= 0) net_.driver->close_watched(*this, fd_);  // never got a queue descriptor, so was never closed
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
  if (const int error = peer_address_of(fd_, peer_); error != 0) return runtime_.complete(op, error);
  if (raw_ != 0 && !from_.same(peer_)) runtime_.arena().free(std::exchange(raw_, 0));
  if (message_ != 0 && !from_.same(peer_)) runtime_.arena().free(std::exchange(message_, 0));
  runtime_.complete(op, 0);
}

bool DatagramSocket::cancel(Op& op) {
  if (!op.linked) return false;
  (op.code == layout::kOpPush ? pushes_ : pops_).remove(op);
  return true;
}

void DatagramSocket::close(std::unique_ptr<Queue>) {
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  if (raw_ != 0) runtime_.arena().free(std::exchange(raw_, 0));
  if (message_ != 0) runtime_.arena().free(std::exchange(message_, 0));
  net_.driver->close_watched(*this, std::exchange(fd_, -1));
}

void DatagramSocket::on_ready(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLERR)) && !pushes_.empty()) flush();
  if (!linked()) receive();
}

void DatagramSocket::retry() { receive(); }

// ---- sending --------------------------------------------------------------------------------------------------------

void DatagramSocket::push(Op& op) {
  if (pushes_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  if (pushes_.empty() && send(op)) return;
  pushes_.push_back(op);
  if (pushes_.size() > 1) return;
  if (const int error = net_.driver->watch_writable(*this, fd_); error != 0) {
    pushes_.remove(op);
    runtime_.complete(op, error);
  }
}

void DatagramSocket::flush() {
  while (!pushes_.empty()) {
    Op& op = *pushes_.pop_front();
    if (send(op)) continue;
    pushes_.push_front(op);
    net_.driver->watch_writable(*this, fd_);
    return;
  }
  net_.driver->writable_seen(*this, fd_);
}

bool DatagramSocket::send(Op& op) {
  const Arena& arena = runtime_.arena();
  iovec iov[dmtr::kMaxIovecs];
  dmtr::FramingBytes framing;
  msghdr message{};
  message.msg_iov = iov;
  message.msg_iovlen =
      static_cast<std::size_t>(request_.framing == Framing::kDmtr ? dmtr::encode(arena, op.sga, 0, framing, iov)
                                                                  : arena.gather(op.sga, 0, iov, layout::kMaxSegments));
  sockaddr_storage address;
  if (op.flags & layout::kFlagTo) {
    const Address to = arena.address(op.sga);
    if (to.family != request_.family) {
      runtime_.complete(op, to.family == 0 ? -EDESTADDRREQ : -EAFNOSUPPORT);
      return true;
    }
    message.msg_name = &address;
    message.msg_namelen = to.to_sockaddr(address);
  }
  ssize_t n;
  do {
    n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return false;
  runtime_.complete(op, n < 0 ? -errno : static_cast<std::int32_t>(op.limit));
  return true;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void DatagramSocket::pop(Op& op) {
  pops_.push_back(op);
  if (!linked()) receive();
}

void DatagramSocket::receive() {
  for (int turn = 0; !pops_.empty(); ++turn) {
    if (message_ != 0) {
      deliver();
      continue;
    }
    if (raw_ == 0) {
      if (!readable_) return;
      if (turn >= kTurn) return net_.retries.soon(*this);
      const int error = receive_one();
      if (error == -EAGAIN) {
        readable_ = false;
        return;
      }
      if (error == -ENOBUFS) {
        ++net_.counters.receive_starved;
        return net_.retries.when_memory(*this);
      }
      if (error != 0) {
        runtime_.complete(*pops_.pop_front(), error);
        continue;
      }
      // Of others the kernel refuses what comes from now on, but keeps what came before the socket was connected.
      if (peer_.family != 0 && !from_.same(peer_)) [[unlikely]] {
        runtime_.arena().free(std::exchange(raw_, 0));
        continue;
      }
    }
    if (!unwrap()) return net_.retries.when_memory(*this);
  }
}

int DatagramSocket::receive_one() {
  Arena& arena = runtime_.arena();
  const Sga head = net_.classes.alloc_down_from(arena, net_.classes.stream());
  if (head == 0) return -ENOBUFS;
  const std::uint32_t capacity = arena.slot_capacity(head);
  // A datagram longer than the slot ends in the spill and is put together in a larger slot. Without one free, look at
  // the length first, so that the datagram stays in the socket.
  if (arena.free_slots(net_.classes.datagram()) == 0) {
    const ssize_t length = ::recv(fd_, arena.slot_start(head), capacity, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (length > static_cast<ssize_t>(capacity)) {
      arena.free(head);
      return -ENOBUFS;
    }
  }
  sockaddr_storage address{};
  iovec iov[2] = {{arena.slot_start(head), capacity}, {net_.spill(), SlotClasses::kDatagramBytes}};
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
    ++net_.counters.datagrams_too_large;
    arena.free(head);
    return -EMSGSIZE;
  }
  from_ = Address::from_sockaddr(address);
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
  std::memcpy(arena.slot_start(whole) + capacity, net_.spill(), size - capacity);
  arena.free(head);
  return whole;
}

bool DatagramSocket::unwrap() {
  if (request_.framing == Framing::kDmtr) {
    const std::int32_t result = dmtr::adopt_datagram(runtime_.arena(), raw_, request_.max_message, message_);
    if (result == -ENOBUFS) return false;
    raw_ = 0;
    if (result < 0) {
      // Anybody can send a datagram: one that is no message is dropped, as a checksum error would be.
      ++net_.counters.bad_datagrams;
      return true;
    }
  } else {
    message_ = std::exchange(raw_, 0);
  }
  runtime_.arena().set_address(message_, from_);
  return true;
}

void DatagramSocket::deliver() {
  Op& op = *pops_.pop_front();
  const std::uint32_t length = runtime_.arena().total(message_);
  if (op.limit != 0 && op.limit < length) return runtime_.complete(op, -EMSGSIZE);
  runtime_.complete(op, static_cast<std::int32_t>(length), std::exchange(message_, 0));
}

}  // namespace demi::posix
