// An address for datagrams over a fabric that has none: it answers those who ask for it, and takes in what they send.
#pragma once

#include <map>

#include "rdm_directory.hpp"
#include "rdm_listener.hpp"

namespace demi::rdma {

class RdmDatagramPort final : public DatagramPort, private ListenerEvents {
 public:
  // Who asked and is still there: one more takes the place of the oldest, and asks again when it has something to send.
  static constexpr std::size_t kMostCallers = 256;

  RdmDatagramPort(RdmFabric& fabric, const Address& at, OwnFd fd, DatagramEvents& events);
  ~RdmDatagramPort() override;
  // 0 or a negative errno.
  int start() { return listener_.listen(*this); }

  int send(const Address& to, std::span<const iovec> pieces) override;
  void resume() override { listener_.resume(); }
  int local_address(Address& out) const override;

  // From the fabric: a message for this port.
  void on_message(std::uint32_t cookie, std::span<const std::uint8_t> message);

 private:
  struct Caller {
    OwnFd fd;
    std::uint64_t watched = 0;
  };

  // ListenerEvents
  void on_request(Request& request) override;
  void on_paused() override { events_.on_paused(); }
  void dismiss(std::map<std::uint64_t, Caller>::iterator caller);

  RdmFabric& fabric_;
  Address at_;
  RdmListener listener_;
  DatagramEvents& events_;
  std::uint32_t id_;
  std::uint32_t cookie_;
  std::map<std::uint64_t, Caller> callers_;  // in the order they came
  std::uint64_t next_caller_ = 1;
};

}  // namespace demi::rdma
