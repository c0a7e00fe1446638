// One connection, one listening address and one request over a fabric that has none of them: by rendezvous.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rdm_fabric.hpp"

namespace demi::rdma {

class RdmEndpoint final : public Endpoint {
 public:
  RdmEndpoint(RdmFabric& fabric, EndpointEvents& events, OwnFd fd);
  ~RdmEndpoint() override;

  int post(std::uint8_t* memory, std::size_t bytes, Work& work) override;
  // Every message is injected.
  int send(std::span<const iovec>, Work&) override { return -EMSGSIZE; }
  int inject(std::span<const iovec> pieces) override;
  int accept(std::span<const std::uint8_t> data) override;
  int local_address(Address& out) const override;
  int peer_address(Address& out) const override;

  // The two sides of the rendezvous.
  int connect(std::span<const std::uint8_t> data);
  int meet(const Introduction& peer);
  void set_addresses(const Address& local, const Address& peer);

  // From the fabric: a message for this connection.
  void on_message(std::uint32_t cookie, std::span<const std::uint8_t> message);

 private:
  struct Posted {
    std::uint8_t* memory;
    std::size_t bytes;
    Work* work;
  };
  void on_readable();
  int introduce(Introduction::Kind kind, std::span<const std::uint8_t> data);

  RdmFabric& fabric_;
  EndpointEvents& events_;
  OwnFd fd_;
  std::uint64_t watched_;
  std::uint32_t id_;
  std::uint32_t cookie_;
  bool connecting_ = false;
  bool to_tell_ = false;  // accepted: on_connected() is still to come
  std::string peer_name_;
  const RdmPeer* peer_ = nullptr;
  std::uint32_t peer_id_ = 0;
  std::uint32_t peer_cookie_ = 0;
  Address local_;
  Address remote_;
  std::vector<Posted> posted_;
};

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
