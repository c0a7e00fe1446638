// A connection of a byte stream as a queue: everything that does not depend on what carries the bytes.
//
// A transport (a kernel socket, a user-level TCP, a reliable connection of a NIC) derives from it. It makes the connection
// and says so with connected() or connect_failed(). It sends what gather() lines up and reports it with sent(); it receives
// into arena slots and reports those with received(), the end with ended(), a failure with failed().
//
// With a dmtr decoder, pushes and pops are messages of that wire format; without, plain bytes.
//
// Sending and receiving fail apart: after a reset the peer's last bytes can still be popped, then comes the error.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "demi/net/dmtr_codec.hpp"
#include "demi/net/retry_lists.hpp"
#include "demi/net/sga_fifo.hpp"
#include "demi/queue.hpp"
#include "demi/runtime.hpp"

namespace demi::net {

// What the streams of one libOS share. The engine owns it and calls retries.run() from every poll.
struct StreamContext {
  explicit StreamContext(Runtime& runtime) : runtime(runtime), retries(runtime.arena()) {}

  Runtime& runtime;
  RetryLists retries;
  std::size_t unpopped = 0;        // slots streams received and nobody popped yet
  std::uint64_t bad_messages = 0;  // framed connections ended for what the peer sent
};

// The bytes of the oldest pushes, in order, as far as one send takes them.
struct Outgoing {
  static constexpr int kIovecs = 64;
  // Framed pushes: each needs a header that stays until the transport has read it.
  static constexpr int kMessages = 16;

  iovec iov[kIovecs];
  dmtr::FramingBytes framing[kMessages];
  int iovecs = 0;
  int pushes = 0;
};

class StreamQueue : public Queue {
 public:
  // Pushes of one queue that wait for the peer to read; one more ends with EAGAIN.
  static constexpr std::size_t kMaxPushes = 1024;

  void push(Op& op) final;
  void pop(Op& op) final;
  int shutdown() final;
  // Pushes and pops; a transport overrides it to find its connects and accepts first.
  bool cancel(Op& op) override;

 protected:
  // Pushes and pops are accepted from kConnecting on and move from kConnected on.
  enum class State : std::uint8_t { kIdle, kListening, kConnecting, kConnected };

  // Of `request`, the framing and what goes with it.
  StreamQueue(StreamContext& context, const SocketRequest& request);
  ~StreamQueue() override;

  // ---- what a transport implements ----------------------------------------------------------------------------------

  // Pushes wait. They may be sent now or with the next poll.
  virtual void start_send() = 0;
  // Pops wait for more than has arrived. A transport that delivers whatever comes has nothing to do.
  virtual void start_receive() = 0;
  // The last pop was cancelled.
  virtual void stop_receive() {}
  // The device reads memory of pushes right now: after a failure they stay until it is done and send_failed() is called again.
  virtual bool sending() const { return false; }
  // The application sends no more, and all it has pushed went out: tell the peer (TCP: FIN), and go on receiving.
  virtual void end_sending() = 0;
  // The peer broke the framing: end the connection in both directions. Must not answer with ended() or failed().
  virtual void shut_down() = 0;
  // `bytes` of what was received have left this queue, popped, decoded or dropped: a transport opens its receive window here.
  // Adds up to what received() brought, except for what a queue that is destroyed still held. Also comes after failed(). Must not
  // call back into the queue.
  virtual void popped(std::size_t /*bytes*/) {}

  // ---- what a transport calls: the connection -----------------------------------------------------------------------

  // A connect that passed the checks began: `op` is kept in connect_op_.
  void connecting(Op& op);
  // The connection is there, whoever asked for it: ends connect_op_ if any and starts what waits.
  void connected();
  // It did not come about: back to kIdle. Ends connect_op_ if any, the pushes and the pops with `error`.
  void connect_failed(int error);

  // For close(): ends the pops with ECANCELED and drops what was received. The pushes end when the transport has let go of their
  // memory.
  void end_pops();

  // ---- what a transport calls: sending ------------------------------------------------------------------------------

  // Lines up what is to be sent next; sets op.started on each push that is part of it when `commit`, after which it cannot be
  // cancelled.
  void gather(Outgoing& out, bool commit);
  // The transport took `bytes` of it: pushes that are whole complete.
  void sent(std::size_t bytes);
  void send_failed(int error);

  // ---- what a transport calls: receiving ----------------------------------------------------------------------------

  // Bytes arrived in `chunk`, a slot owned by the device side, with the range they lie in. Never none.
  void received(Sga chunk);
  // The peer sent its FIN: no more bytes.
  void ended();
  // The connection is broken, both ways.
  void failed(int error);

  bool can_receive() const { return state_ == State::kConnected && !ended_ && receive_error_ == 0; }
  // A pop waits for bytes that are not here yet.
  bool wants_bytes() const { return !pops_.empty() && inbox_.empty() && !memory_wait_.linked() && can_receive(); }

  State state_ = State::kIdle;
  bool ended_ = false;     // the peer sent FIN and everything before it was received
  bool shut_ = false;      // shutdown() was called
  int receive_error_ = 0;  // what pops end with once everything received was popped
  int send_error_ = 0;     // what pushes end with
  Op* connect_op_ = nullptr;
  OpList pushes_;
  OpList pops_;
  SgaFifo inbox_;                           // received, not popped
  std::unique_ptr<dmtr::Decoder> decoder_;  // framed queues only

 private:
  class MemoryWait final : public Retryable {
   public:
    explicit MemoryWait(StreamQueue& queue) : queue_(queue) {}
    void retry() override { queue_.satisfy(); }

   private:
    StreamQueue& queue_;
  };

  // After shutdown(), once nothing is left to send.
  void send_end();
  // Completes pops with what has arrived, then with what ended the stream.
  void drain();
  // The same, and asks for more when pops still wait.
  void satisfy();
  bool pop_bytes(Op& op);
  bool pop_message(Op& op);
  // Decodes what has arrived until held_ is a whole message or the decoder goes no further: its last answer.
  std::int32_t decode();
  void set_send_error(int error);
  // The peer broke the framing: no more of this connection.
  void refuse(int error);
  Sga take_front();
  // Frees what was received; returns how many bytes that were.
  std::size_t drop_inbox();
  std::uint64_t wire_bytes(const Op& op) const;

  StreamContext& context_;
  Sga held_ = 0;          // a message that was too long for the pop it met
  bool refused_ = false;  // the peer broke the framing
  bool end_sent_ = false;
  MemoryWait memory_wait_{*this};
};

}  // namespace demi::net
