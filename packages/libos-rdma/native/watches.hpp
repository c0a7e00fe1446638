// File descriptors that tell of peers: looked at from poll() now and then, with epoll. A fabric whose messages are polled for in memory has
// nothing else to hear of callers and of the end of peers by.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "rendezvous.hpp"

namespace demi::rdma {

class Watches {
 public:
  // 0, or a negative errno that `message` explains.
  int open(std::string& message);

  // Something of this descriptor's wants to be looked at: `on_readable` is called until it is removed; `writable`: also when it can be
  // written to. Returns what remove() takes, never 0.
  std::uint64_t add(int fd, std::function<void()> on_readable, bool writable = false);
  void remove(std::uint64_t watched);

  // Looks, if it is time to. True when there was something.
  bool poll() {
    if (!due_ && ++polls_ % kPollsPerLook != 0) return false;
    return due_ = look();
  }
  // poll() looks the next time.
  void set_due() { due_ = true; }

 private:
  // Connections come and go far less often than messages, and a look is a system call.
  static constexpr std::uint32_t kPollsPerLook = 1024;

  struct Watch {
    int fd;
    std::function<void()> on_readable;
  };

  bool look();

  OwnFd epoll_;
  std::unordered_map<std::uint64_t, Watch> watches_;
  std::uint64_t next_ = 1;
  std::uint32_t polls_ = 0;
  bool due_ = true;
};

}  // namespace demi::rdma
