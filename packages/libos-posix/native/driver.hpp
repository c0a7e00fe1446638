// How a kernel interface, epoll or io_uring, moves the sockets of one libOS.
//
// A driver makes the stream sockets, which differ most between the two, and reports readiness to everything else:
// listeners, datagram sockets, the file worker. Everything runs on the libOS's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "demi/net/stream_queue.hpp"
#include "farewells.hpp"
#include "slot_classes.hpp"

namespace demi::posix {

using net::List;
using net::ListHook;
using net::Outgoing;
using net::Retryable;
using net::StreamQueue;

class Driver;
class StreamSocket;

// What the sockets of one libOS share.
struct Context : net::StreamContext {
  explicit Context(Runtime& runtime);

  Driver* driver = nullptr;
  SlotClasses classes;
  Farewells farewells;
  bool lingers = false;  // a socket's `linger` was set: only then is it worth a call to ask for one's

  struct Counters {
    std::uint64_t accept_paused = 0;        // accepts put off because descriptors or socket memory ran out
    std::uint64_t receive_starved = 0;      // receives put off because the arena had no slot
    std::uint64_t datagrams_too_large = 0;  // datagrams lost because no slot could hold them
    std::uint64_t bad_datagrams = 0;        // framed datagrams refused for what the peer sent
  } counters;

  // Where the rest of a datagram goes that is longer than the slot it is received into. SlotClasses::kDatagramBytes.
  std::uint8_t* spill();

 private:
  std::unique_ptr<std::uint8_t[]> spill_;
};

// Something with a descriptor. on_ready() reports edges: after it, the owner reads or writes until EAGAIN, or remembers
// that it did not. `events` are EPOLL* bits.
class Pollable {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

  void* watch = nullptr;  // the driver's

 protected:
  ~Pollable() = default;
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual const char* name() const = 0;

  // A stream socket over `fd`, which it owns from now on; -1 when StreamSocket::accepted() will bring one.
  virtual std::unique_ptr<StreamSocket> stream(int fd, const SocketRequest& request) = 0;
  // For accept4: SOCK_NONBLOCK where receives are made to fail with EAGAIN, 0 where they wait in the ring.
  virtual int accept_flags() const = 0;

  // Reports readable edges and errors from now on; if it is readable already, soon. 0 or a negative errno.
  virtual int watch(Pollable& pollable, int fd) = 0;
  // Also reports the next time it becomes writable.
  virtual int watch_writable(Pollable& pollable, int fd) = 0;
  // The owner has seen that.
  virtual void on_writable_seen(Pollable& pollable, int fd) = 0;
  // As watch(), for an eventfd that another thread writes to. It ends a sleep on sleep_fd() by itself, whatever the driver makes of the
  // report: a signal of an eventfd that is given from within the wake-up of another may come late, or never.
  virtual int watch_signal(Pollable& pollable, int eventfd) { return watch(pollable, eventfd); }
  // No more reports, and closes the descriptor.
  virtual void close_watched(Pollable& pollable, int fd) = 0;

  // Moves everything that can move; waits up to `wait_us` when nothing can.
  virtual void poll(std::uint32_t wait_us) = 0;
  virtual int sleep_fd() = 0;
  // As Engine::prepare_sleep() and end_sleep().
  virtual int prepare_sleep() = 0;
  virtual void end_sleep() {}
  virtual void stats(const StatSink&) const {}
};

}  // namespace demi::posix
