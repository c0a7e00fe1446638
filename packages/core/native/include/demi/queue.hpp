// What a backend implements: queues (here), and the engine that makes them and drives the device (engine.hpp).
//
// A Queue starts operations and completes them through Runtime::complete(). Operations of one direction complete in the
// order they were started. No call blocks: what cannot be done at once is kept (OpList) and finished from Engine::poll().
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>

#include "demi/address.hpp"
#include "demi/op.hpp"

namespace demi {

class Runtime;

enum class SocketKind : std::uint8_t { kStream, kDatagram };

// Socket options, by the same names in JavaScript. Units as in socket(7) and tcp(7).
enum class SocketOption : std::uint8_t {
  kNoDelay = 1,       // 0 or 1
  kKeepAlive = 2,     // 0 or 1
  kLinger = 3,        // seconds, -1 off
  kReuseAddress = 4,  // 0 or 1
  kReusePort = 5,     // 0 or 1
  kSendBuffer = 6,    // bytes
  kReceiveBuffer = 7  // bytes
};

class Queue {
 public:
  explicit Queue(Runtime& runtime) : runtime_(runtime) {}
  virtual ~Queue() = default;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Qd qd() const { return qd_; }
  void set_qd(Qd qd) { qd_ = qd; }

  // ---- the short way: what can be done at once needs no Op. Optional; both refuse whenever order forbids it. ---------------
  // Takes the sga (owned by the device side from then on) if a push of it would complete now.
  virtual bool try_push(Sga /*sga*/, std::uint32_t /*length*/) { return false; }
  // The sga a pop without a limit would complete with now; 0 when it would wait.
  virtual Sga try_pop() { return 0; }

  // ---- data path. A queue that cannot do one completes it with the errno of the base implementation. ------------------
  // `op.sga` is checked and stays in place until the operation completes, its total length in op.limit (never 0).
  virtual void push(Op& op);
  virtual void pop(Op& op);
  virtual void accept(Op& op);
  virtual void connect(Op& op, const Address& to);

  // Takes a pending operation off the queue's lists. False when the device has begun and it cannot be called back; it then
  // completes by itself. The runtime completes it with ECANCELED when true.
  virtual bool cancel(Op& op) = 0;

  // The descriptor is gone. Completes every pending operation with ECANCELED before it returns. `self` owns this object: keep
  // it until the device has let go of memory it still reads (pinned by the queue), or let it die.
  virtual void close(std::unique_ptr<Queue> self) = 0;

  // ---- control path: 0 or a negative errno -----------------------------------------------------------------------
  virtual int bind(const Address&) { return -EOPNOTSUPP; }
  virtual int listen(int /*backlog*/) { return -EOPNOTSUPP; }
  // The half-close: pushes that were started before are sent, then the end of the stream; those after end with EPIPE. Pops go on. Once
  // more changes nothing. -ENOTCONN: there is no stream to end.
  virtual int shutdown() { return -EOPNOTSUPP; }
  virtual int local_address(Address&) { return -EOPNOTSUPP; }
  virtual int peer_address(Address&) { return -EOPNOTSUPP; }
  virtual int set_option(SocketOption, int /*value*/) { return -EOPNOTSUPP; }
  virtual int get_option(SocketOption, int& /*value*/) { return -EOPNOTSUPP; }
  // Storage: moves the cursor as lseek(2) does; returns the new position through `position`.
  virtual int seek(std::int64_t /*offset*/, int /*whence*/, std::int64_t& /*position*/) { return -ESPIPE; }
  virtual int truncate(std::int64_t /*length*/) { return -EINVAL; }

 protected:
  Runtime& runtime_;

 private:
  Qd qd_ = 0;
};

}  // namespace demi
