// The epoll driver: one epoll set, edge-triggered, one registration per socket.
#pragma once

#include <string>

#include "driver.hpp"
#include "epoll_stream.hpp"

namespace demi::posix {

class EpollDriver final : public Driver {
 public:
  // nullptr and a negative errno when the kernel gives no epoll descriptor.
  static std::unique_ptr<EpollDriver> open(Network& net, std::string& message, int& error);
  ~EpollDriver() override;

  const char* name() const override { return "epoll"; }
  std::unique_ptr<StreamSocket> stream(int fd, const SocketRequest& request) override;
  int accept_flags() const override;
  int watch(Pollable& pollable, int fd) override;
  int watch_writable(Pollable& pollable, int fd) override;
  void writable_seen(Pollable& pollable, int fd) override;
  void close_watched(Pollable& pollable, int fd) override;
  void poll(std::uint32_t wait_us) override;
  int sleep_fd() override { return epoll_; }
  int prepare_sleep() override;

  // ---- for EpollStream ----------------------------------------------------------------------------------------------
  int add(Pollable& pollable, int fd, std::uint32_t events);
  void remove(Pollable& pollable, int fd);
  void flush_later(EpollStream& stream) { flush_.push_back(stream); }
  Outgoing& outgoing() { return outgoing_; }

 private:
  static constexpr int kBatch = 256;  // events per poll

  EpollDriver(Network& net, int epoll) : net_(net), epoll_(epoll) {}
  void flush();

  Network& net_;
  int epoll_;
  bool microseconds_ = true;  // epoll_pwait2 exists (Linux 5.11)
  List<EpollStream, FlushTag> flush_;
  Outgoing outgoing_;  // sends are over when the call returns, so one serves all
};

}  // namespace demi::posix
