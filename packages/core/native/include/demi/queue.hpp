// What a backend implements: queues, and the engine that makes them and drives the device.
//
// A Queue starts operations and completes them through Runtime::complete(). Operations of one direction complete in the
// order they were started. No call blocks: what cannot be done at once is kept (OpList) and finished from Engine::poll().
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "demi/address.hpp"
#include "demi/framing.hpp"
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

// Backend options as given in openLibOS() or the YAML section, flattened: {"engine": "epoll"}. Already checked against the
// backend's JSON schema by core.
using Config = std::map<std::string, std::string>;

// Counter sink for stats(): call it with a name in camelCase and a value.
using StatSink = std::function<void(const char* name, double value)>;

struct SocketRequest {
  SocketKind kind = SocketKind::kStream;
  int family = 4;  // 4 or 6
  Framing framing = Framing::kStream;
  std::uint32_t max_message = 0;  // framed: most payload bytes taken from a peer
};

struct FileRequest {
  std::string path;
  int flags = 0;  // open(2) flags
  int mode = 0644;
  bool durable = false;  // a push completes when the data is on the device
};

class Engine {
 public:
  virtual ~Engine() = default;
  // What runs underneath, for stats and info: "io_uring", "epoll", "memory".
  virtual const char* name() const = 0;

  // New queues. On failure: nullptr and a negative errno in `error`.
  virtual std::unique_ptr<Queue> socket(const SocketRequest&, int& error) {
    error = -EAFNOSUPPORT;
    return nullptr;
  }
  virtual std::unique_ptr<Queue> open(const FileRequest&, int& error) {
    error = -EOPNOTSUPP;
    return nullptr;
  }

  // Moves the device: submit what queues prepared, complete what has finished. Waits up to `wait_us` microseconds when
  // there is nothing to complete (0: never waits). Work per call is bounded.
  virtual void poll(std::uint32_t wait_us) = 0;
  // Instead of poll(), when what completed at once is handed out first: sends what queues have taken, without receiving. For a device
  // whose queues complete a push before it is on its way.
  virtual void flush() {}
  // True: poll() makes no system calls, and is called even when something completed at once: more goes over the boundary in one turn.
  virtual bool polls_memory() const { return false; }

  // A descriptor that becomes readable when poll() would find work, for sleeping in Node's loop; -1: none.
  virtual int sleep_fd() { return -1; }
  // About to sleep on sleep_fd(). Milliseconds to sleep at most, -1 for no limit, 0: do not sleep, there is work.
  virtual int prepare_sleep() { return 0; }
  // Awake again.
  virtual void end_sleep() {}
  // For a device whose peers must be answered even while the application waits for nothing, as a kernel would: poll() is then called at
  // least every so many milliseconds that Node's loop turns. 0: nothing of the kind.
  virtual std::uint32_t tend_every_ms() const { return 0; }

  virtual void stats(const StatSink&) const {}
};

}  // namespace demi
