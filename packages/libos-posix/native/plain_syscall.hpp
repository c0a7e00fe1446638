// The system calls of the data path, without what the C library wraps around them.
//
// send(2), recv(2) and epoll_wait(2) are cancellation points: in a process with threads, as Node is, glibc's wrappers switch
// asynchronous cancellation on and off around each call, two locked instructions that an echo pays twice. Nothing here is ever
// cancelled. Errors are as usual: -1 and errno.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace demi::posix {

inline ssize_t plain_send(int fd, const void* data, std::size_t bytes, int flags) {
  return ::syscall(SYS_sendto, fd, data, bytes, flags, nullptr, 0);
}

inline ssize_t plain_recv(int fd, void* data, std::size_t bytes, int flags) {
  return ::syscall(SYS_recvfrom, fd, data, bytes, flags, nullptr, nullptr);
}

// Never waits. By epoll_pwait, because arm64 has no epoll_wait.
inline int plain_epoll_poll(int epoll, epoll_event* events, int most) {
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, most, 0, nullptr, 0));
}

}  // namespace demi::posix
