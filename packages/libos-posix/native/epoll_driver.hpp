// The epoll driver: one epoll set, edge-triggered, one registration per socket.
#pragma once

#include <string>

#include "driver.hpp"
#include "epoll_stream.hpp"

namespace demi::posix {

class EpollDriver final : public Driver {
 public:
  // nullptr and a negative errno when the kernel gives no epoll descriptor.
  static std::unique_ptr<EpollDriver> open(Context& context, std::string& message, int& error);
  ~EpollDriver() override;

  const char* name() const override { return "epoll"; }
  std::unique_ptr<StreamSocket> stream(int fd, const SocketRequest& request) override;
  int accept_flags() const override;
  int watch(Pollable& pollable, int fd) override;
  int watch_writable(Pollable& pollable, int fd) override;
  void on_writable_seen(Pollable& pollable, int fd) override;
  void close_watched(Pollable& pollable, int fd) override;
  void poll(std::uint32_t wait_us) override;
  int sleep_fd() override { return epoll_; }
  int prepare_sleep() override;

  // ---- for EpollStream ----------------------------------------------------------------------------------------------
  int add(Pollable& pollable, int fd, std::uint32_t events);
  void remove(Pollable& pollable, int fd);
  void transmit_later(EpollStream& stream) { to_transmit_.push_back(stream); }
  Outgoing& outgoing() { return outgoing_; }

 private:
  static constexpr int kBatch = 256;  // events per poll

  EpollDriver(Context& context, int epoll) : context_(context), epoll_(epoll) {}
  void transmit();

  Context& context_;
  int epoll_;
  bool microseconds_ = true;  // epoll_pwait2 exists (Linux 5.11)
  List<EpollStream, TransmitTag> to_transmit_;
  Outgoing outgoing_;  // sends are over when the call returns, so one serves all
};

}  // namespace demi::posix
