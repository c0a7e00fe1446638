// What a backend implements beside its queues: the device as it is before there is a runtime, and the engine that makes queues of it and
// moves it. EngineSet drives the engines of a libOS; nothing else calls them.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "demi/failure.hpp"
#include "demi/framing.hpp"
#include "demi/limits.hpp"
#include "demi/mapping.hpp"
#include "demi/queue.hpp"

namespace demi {

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

// What an engine makes queues of.
enum Provides : std::uint8_t { kStreams = 1, kDatagrams = 2, kFiles = 4 };

class Engine {
 public:
  virtual ~Engine() = default;
  // What runs underneath, for stats and info: "io_uring", "epoll", "memory".
  virtual const char* name() const = 0;
  // Bits of Provides.
  virtual std::uint8_t provides() const { return 0; }

  // New queues. On failure: nullptr and a negative errno in `error`.
  virtual std::unique_ptr<Queue> socket(const SocketRequest&, int& error) {
    error = -EAFNOSUPPORT;
    return nullptr;
  }
  virtual std::unique_ptr<Queue> open(const FileRequest&, int& error) {
    error = -EOPNOTSUPP;
    return nullptr;
  }
  // Removes what open() opens by this name. 0 or a negative errno.
  virtual int unlink(const std::string& /*path*/) { return -EOPNOTSUPP; }

  // Makes the arena reachable for the device, all of it: what another device has filled is sent and written as it lies. Called once,
  // before the first queue is made; it stays mapped until the engine is destroyed. False and why on failure.
  virtual bool map(std::span<std::uint8_t> /*memory*/, Failure&) { return true; }

  // Moves the device: submit what queues prepared, complete what has finished. Never waits; work per call is bounded.
  virtual void poll() = 0;
  // As poll(), and waits up to `us` microseconds when there is nothing to complete. For a device that is waited for in the system call
  // that moves it; only asked of an engine that is alone. False: it has no such way and did nothing, look again with poll().
  virtual bool wait(std::uint32_t /*us*/) { return false; }
  // Instead of poll(), when what completed at once is handed out first: sends what queues have taken, without receiving. For a device
  // whose queues complete a push before it is on its way.
  virtual void transmit() {}
  // True: poll() makes no system calls, and is called even when something completed at once: more goes over the boundary in one turn. Asked once.
  virtual bool polls_memory() const { return false; }

  // A descriptor that becomes readable when poll() would find work, to sleep on; the same for as long as the engine lives. -1 if it has none.
  virtual int sleep_fd() { return -1; }
  // About to sleep on sleep_fd(). Milliseconds to sleep at most, -1 for no limit, 0: do not sleep, there is work.
  virtual int prepare_sleep() { return 0; }
  // Awake again.
  virtual void end_sleep() {}
  // For a device whose peers must be answered even while the application waits for nothing, as a kernel would: poll() is then called at
  // least this often, in milliseconds, while Node's loop turns. 0: not needed.
  virtual std::uint32_t tend_every_ms() const { return 0; }

  virtual void stats(const StatSink&) const {}
};

// An opened device: what is there before the runtime. It outlives the engine that it starts; views of the arena may outlive both.
class Device {
 public:
  virtual ~Device() = default;

  // Adds to the limits what the device needs of the arena: slots it fills itself (limits.add_region()), itself as the provider of the
  // arena's memory where it reaches no other (limits.provider). Called once, before memory() and start().
  virtual bool plan(Limits&, Failure&) { return true; }
  // The arena's memory, of a device that is its provider: `bytes`, on a page boundary, zeroed. nullptr and why on failure.
  virtual std::shared_ptr<Mapping> memory(std::size_t /*bytes*/, Failure& failure) {
    return failure.refuse(-EOPNOTSUPP, "the device provides no memory");
  }
  // The engine, on a runtime made by these limits. nullptr and why on failure.
  virtual std::unique_ptr<Engine> start(Runtime&, Failure&) = 0;
};

}  // namespace demi
