// A listening address, and the requests that come to it, over a fabric that has neither: by rendezvous.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "rdm_fabric.hpp"

namespace demi::rdma {

class RdmRequest final : public Request {
 public:
  RdmRequest(RdmFabric& fabric, OwnFd fd, const Introduction& hello, const Address& local)
      : fabric_(fabric), fd_(std::move(fd)), hello_(hello), local_(local) {}
  std::span<const std::uint8_t> data() const override { return hello_.data; }
  std::unique_ptr<Endpoint> take(EndpointEvents& events, int& error) override;
  void reject(std::span<const std::uint8_t> data) override;
  // Answered by somebody else.
  OwnFd hand_over() { return std::move(fd_); }

 private:
  RdmFabric& fabric_;
  OwnFd fd_;
  const Introduction& hello_;
  Address local_;
};

class RdmListener final : public Listener {
 public:
  RdmListener(RdmFabric& fabric, const Address& at, OwnFd fd) : fabric_(fabric), at_(at), fd_(std::move(fd)) {}
  ~RdmListener() override;
  int listen(ListenerEvents& events) override;
  void resume() override;
  int local_address(Address& out) const override;

 private:
  using Clock = std::chrono::steady_clock;
  // A connection whose hello has not come yet.
  struct Caller {
    OwnFd fd;
    std::uint64_t watched = 0;
    Clock::time_point until;
  };
  void on_readable();
  void on_caller_readable(std::uint64_t caller);
  void on_hello(OwnFd fd, int error, const Introduction& hello);
  OwnFd dismiss(std::map<std::uint64_t, Caller>::iterator caller);
  void on_timer();
  void set_timer();

  RdmFabric& fabric_;
  Address at_;
  OwnFd fd_;
  OwnFd timer_;
  std::uint64_t watched_ = 0;
  std::uint64_t timer_watched_ = 0;
  ListenerEvents* events_ = nullptr;
  std::map<std::uint64_t, Caller> callers_;  // in the order they came
  std::uint64_t next_caller_ = 1;
};

}  // namespace demi::rdma
