// A stream socket on epoll: non-blocking calls, guided by edge-triggered readiness.
//
// The descriptor is registered once, for both directions. `readable_` and `writable_` remember the edges, so a call
// that would only answer EAGAIN is not made: an echo costs one recv and one send.
#pragma once

#include "stream_socket.hpp"

namespace demi::posix {

class EpollDriver;
struct TransmitTag;

class EpollStream final : public StreamSocket,
                          public Pollable,
                          public Retryable,
                          public ListHook<EpollStream, TransmitTag> {
 public:
  EpollStream(Context& context, EpollDriver& driver, int fd, const SocketRequest& request)
      : StreamSocket(context, fd, request), driver_(driver) {}

  // Sends until the pushes are done or the kernel takes no more.
  void transmit();
  void on_ready(std::uint32_t events) override;
  void retry() override { receive(); }

 protected:
  int attach() override;
  int await_connect() override;
  void abandon_connect() override;
  void start_send() override;
  void send_rest() override { transmit(); }
  void start_receive() override;
  void release(std::unique_ptr<Queue> self) override;

 private:
  static constexpr int kTurn = 16;  // receives in a row before other sockets get their turn

  void receive();
  // One recv. False when there is no more for now.
  bool receive_once();

  EpollDriver& driver_;
  bool readable_ = false;
  bool read_to_end_ = false;  // a FIN, an error or urgent data came: a short read does not mean that nothing is left
  bool writable_ = true;
};

}  // namespace demi::posix
