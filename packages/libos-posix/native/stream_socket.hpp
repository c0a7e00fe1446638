// A TCP socket as a queue: everything that does not depend on how the kernel is asked to move the bytes.
//
// Life: idle -> listening, or idle -> connecting -> connected. A driver's subclass sends what gather() lines up and
// reports it with sent(); it receives into arena slots and reports those with received(), the end with ended(), a
// failure with failed().
//
// Sending and receiving fail apart: after a reset the peer's last bytes can still be popped, then comes the error.
#pragma once

#include <sys/uio.h>

#include <memory>

#include "demi/runtime.hpp"
#include "dmtr_codec.hpp"
#include "driver.hpp"
#include "listener.hpp"
#include "sga_fifo.hpp"

namespace demi::posix {

// One sendmsg: bytes of the oldest pushes, in order.
struct Outgoing {
  static constexpr int kIovecs = 64;
  static constexpr int kMessages =
      16;  // framed pushes, each of which needs a header that stays until the kernel has read it

  iovec iov[kIovecs];
  dmtr::Framing framing[kMessages];
  int iovecs = 0;
  int pushes = 0;
};

class StreamSocket : public Queue {
 public:
  // Pushes of one queue that wait for the peer to read; one more ends with EAGAIN.
  static constexpr std::size_t kMaxPushes = 1024;

  StreamSocket(Network& net, int fd, const StreamOptions& options);
  ~StreamSocket() override;

  // Takes over an accepted connection. 0 or a negative errno; the descriptor is this object's either way.
  int accepted(int fd);

  void push(Op& op) final;
  void pop(Op& op) final;
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
  enum class State : std::uint8_t { kIdle, kListening, kConnecting, kConnected };

  // ---- what a driver implements -------------------------------------------------------------------------------------

  // Connected: from now on sends and receives are wanted. 0 or a negative errno.
  virtual int attach() = 0;
  // connect(2) is under way: call connect_ended() when the socket is writable. 0 or a negative errno.
  virtual int await_connect() = 0;
  // It failed or was cancelled: forget what await_connect() began.
  virtual void abandon_connect() = 0;
  // Pushes wait. They may be sent now or with the next poll.
  virtual void start_send() = 0;
  // About to close: send at once what the kernel takes without waiting.
  virtual void send_rest() = 0;
  // Pops wait for more than has arrived.
  virtual void start_receive() = 0;
  // The last pop was cancelled.
  virtual void stop_receive() {}
  // The kernel reads memory of pushes right now; they end when it is done.
  virtual bool sending() const { return false; }
  // Closes the descriptor and ends all pushes with ECANCELED. Keeps `self` while the kernel still uses memory.
  virtual void release(std::unique_ptr<Queue> self) = 0;

  // ---- what a driver calls ------------------------------------------------------------------------------------------

  void connect_ended();
  // Lines up what is to be sent next; sets op.started on each push that is part of it when `commit`.
  void gather(Outgoing& out, bool commit);
  // The kernel took `bytes` of it.
  void sent(std::size_t bytes);
  void send_failed(int error);

  // Bytes arrived in `chunk`, a slot owned by the device side.
  void received(Sga chunk);
  void ended();
  void failed(int error);

  bool can_receive() const { return state_ == State::kConnected && !ended_ && receive_error_ == 0; }
  // A pop waits for bytes that are not here yet.
  bool wants_bytes() const { return !pops_.empty() && inbox_.empty() && !memory_wait_.linked() && can_receive(); }

  class MemoryWait final : public Retryable {
   public:
    explicit MemoryWait(StreamSocket& socket) : socket_(socket) {}
    void retry() override { socket_.satisfy(); }

   private:
    StreamSocket& socket_;
  };

  Network& net_;
  int fd_;
  State state_ = State::kIdle;
  bool ended_ = false;     // the peer sent FIN and everything before it was received
  int receive_error_ = 0;  // what pops end with once everything received was popped
  int send_error_ = 0;     // what pushes end with
  StreamOptions options_;
  OpList pushes_;
  OpList pops_;
  SgaFifo inbox_;                           // received, not popped
  std::unique_ptr<dmtr::Decoder> decoder_;  // framed sockets only

 private:
  // Completes pops with what has arrived, then with what ended the stream.
  void drain();
  // The same, and asks for more when pops still wait.
  void satisfy();
  bool pop_bytes(Op& op);
  bool pop_message(Op& op);
  void set_send_error(int error);
  // The peer broke the framing: no more of this connection.
  void refuse(int error);
  Sga take_front();
  void drop_inbox();
  void reset_connect(int error);
  std::uint64_t wire_bytes(const Op& op) const;

  Op* connect_op_ = nullptr;
  Sga held_ = 0;  // a message that was too long for the pop it met
  std::unique_ptr<Listener> listener_;
  MemoryWait memory_wait_{*this};
};

}  // namespace demi::posix
