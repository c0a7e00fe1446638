// A TCP socket of the kernel as a queue: everything that does not depend on how the kernel is asked to move the bytes.
//
// Life: idle -> listening, or idle -> connecting -> connected. A driver's subclass sends and receives; see
// demi/net/stream_queue.hpp for what it reports.
#pragma once

#include <memory>

#include "demi/net/stream_queue.hpp"
#include "driver.hpp"
#include "listener.hpp"

namespace demi::posix {

class StreamSocket : public StreamQueue {
 public:
  StreamSocket(Context& context, int fd, const SocketRequest& request);
  ~StreamSocket() override;

  // Takes over an accepted connection. 0 or a negative errno; the descriptor is this object's either way.
  int accepted(int fd);

  void accept(Op& op) final;
  void connect(Op& op, const Address& to) final;
  bool cancel(Op& op) final;
  void close(std::unique_ptr<Queue> self) final;
  int bind(const Address& to) final;
  int listen(int backlog) final;
  int local_address(Address& out) final;
  int peer_address(Address& out) final;
  int set_option(SocketOption option, int value) final;
  int get_option(SocketOption option, int& value) final;

 protected:
  // ---- what a driver implements, beside StreamQueue's -----------------------------------------------------------------

  // Connected: from now on sends and receives are wanted. 0 or a negative errno.
  virtual int attach() = 0;
  // connect(2) is under way: call on_connect_ended() when the socket is writable. 0 or a negative errno.
  virtual int await_connect() = 0;
  // It failed or was cancelled: forget what await_connect() began.
  virtual void abandon_connect() = 0;
  // About to close: send at once what the kernel takes without waiting.
  virtual void send_rest() = 0;
  // Closes the descriptor and ends all pushes with ECANCELED. Keeps `self` while the kernel still uses memory.
  virtual void release(std::unique_ptr<Queue> self) = 0;

  // ---- what a driver calls ------------------------------------------------------------------------------------------

  void on_connect_ended();
  // A receive met the end of the stream, or what looks so.
  void on_receive_end();
  void end_sending() final;
  void shut_down() final;

  Context& context_;
  int fd_;
  SocketRequest request_;

 private:
  void reset_connect(int error);
  int stay_behind(int& linger);

  bool reuse_chosen_ = false;  // setsockopt came before bind
  std::unique_ptr<Listener> listener_;
};

}  // namespace demi::posix
