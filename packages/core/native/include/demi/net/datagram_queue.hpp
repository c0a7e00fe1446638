// A datagram socket as a queue: everything that does not depend on what carries the datagrams. One push is one datagram, one pop is one
// datagram with the address it came from.
//
// A transport (a kernel socket, a user-level UDP, a fabric) derives from it. It sends one datagram when send() asks for it, and reports
// those that arrive with received(). What nobody has popped yet waits here, up to a limit: the transport asks has_room() before it
// spends memory on one more.
//
// With dmtr framing each datagram is one message of that wire format.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "demi/net/sga_fifo.hpp"
#include "demi/runtime.hpp"

namespace demi::net {

class DatagramQueue : public Queue {
 public:
  // Pushes of one queue that wait for the device; one more ends with EAGAIN.
  static constexpr std::size_t kMaxPushes = 1024;

  Sga try_pop() final;
  void push(Op& op) final;
  void pop(Op& op) override;
  bool cancel(Op& op) final;

 protected:
  // `most_waiting`: datagrams that were received and nobody popped.
  DatagramQueue(Runtime& runtime, const SocketRequest& request, std::size_t most_waiting);
  ~DatagramQueue() override;

  // ---- what a transport implements ----------------------------------------------------------------------------------

  // One datagram of the given pieces, whose memory is free again afterwards; `to` of family 0: to the peer of connected(), or
  // -EDESTADDRREQ. 0; -EAGAIN: the device takes none now; another negative errno, which ends the push.
  virtual int send(std::span<const iovec> pieces, const Address& to) = 0;
  // A push waits, the first: call resume_send() when the device takes datagrams again. 0, or a negative errno that ends the push.
  virtual int await_send() { return -EAGAIN; }
  // Pops wait. A transport that delivers whatever comes has nothing to do.
  virtual void start_receive() {}

  // ---- what a transport calls ---------------------------------------------------------------------------------------

  // The datagram of `sga`, framed. As send().
  int send_now(Sga sga, const Address& to);
  bool wants_send() const { return !pushes_.empty(); }
  // Sends what waits. False when the device takes no more.
  bool resume_send();

  bool wants_datagrams() const { return !pops_.empty(); }
  // False: one more is to be dropped.
  bool has_room() const { return inbox_.size() < most_waiting_; }
  // A datagram arrived, in a slot owned by the device side, its sender's address set. May be empty. 0, or what its framing made of it:
  // -ENOBUFS when there is no memory to take it apart, and it is still the transport's; else it was no message and is gone. Anybody can
  // send a datagram, so that is no error of this queue's: the transport counts it, as it would a wrong checksum.
  int received(Sga datagram);
  // The oldest pop ends with `error`.
  void fail_pop(int error);

  // Heard from and, without another address, sent to from now on: `peer`. What others sent before is dropped.
  void connected(const Address& peer);
  // A datagram from there is not for this queue. For a transport that hears everybody.
  bool stranger(const Address& from) const { return peer_.family != 0 && !from.same(peer_); }

  // For close(): ends all operations with ECANCELED and drops what was received.
  void end_all();

  SocketRequest request_;
  Address peer_;  // family 0: not connected

 private:
  int send_op(const Op& op);
  void complete_push(Op& op, int error);
  // Ends the pop: with the datagram, or because it is longer than the pop allows. True when the datagram is gone.
  bool answer(Op& op, Sga datagram);
  void drop_inbox();

  std::size_t most_waiting_;
  OpList pushes_;
  OpList pops_;    // while there are any the inbox is empty
  SgaFifo inbox_;  // received, not popped
};

}  // namespace demi::net
