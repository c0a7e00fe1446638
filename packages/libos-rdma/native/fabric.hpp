// A fabric of reliable connections that carry messages: all the queues need of it, in terms of RDMA (InfiniBand Architecture Specification,
// volume 1, chapter 9: reliable connected service; chapter 12: communication management). Nothing here knows libfabric.
//
// Events come from Fabric::poll() alone. They may close the endpoint they are about.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "demi/address.hpp"

namespace demi::rdma {

// A posted receive or a send, from posting it until its completion has come, or the endpoint is closed and the Work retired.
struct Work;

class WorkEvents {
 public:
  virtual void on_received(Work& work, std::uint32_t bytes) = 0;
  virtual void on_sent(Work& work) = 0;
  // A receive or a send failed: the connection is of no use any more.
  virtual void on_failed(int error) = 0;

 protected:
  ~WorkEvents() = default;
};

struct Work {
  // The fabric itself only tells receives from sends.
  enum class Kind : std::uint8_t {
    kReceive,
    kFragment,      // of a message, others follow
    kLastFragment,  // whose completion is that of the message
    kCredit,        // credits alone
    kControl        // the half-close, or the end
  };

  std::array<std::uint64_t, 8> reserved{};  // first: the fabric's while it is posted (fi_context2)
  std::uint32_t* sends = nullptr;           // the endpoint's: those whose completions have not come
  WorkEvents* owner = nullptr;              // nullptr: nobody's, a completion that comes late is dropped
  Kind kind = Kind::kReceive;
  // The owner's: which memory, whose, and where it keeps the Work.
  std::uint32_t buffer = 0;
  std::uint32_t place = 0;
  std::int32_t sga = 0;

  bool is_send() const { return kind != Kind::kReceive; }
};

class EndpointEvents : public WorkEvents {
 public:
  // `data`: what the side that accepted says; empty on that side.
  virtual void on_connected(std::span<const std::uint8_t> data) = 0;
  // Connecting did not come about. `data`: what the side that rejected says.
  virtual void on_refused(int error, std::span<const std::uint8_t> data) = 0;
  // The peer, or the way to it, is gone.
  virtual void on_disconnected() = 0;

 protected:
  ~EndpointEvents() = default;
};

class Endpoint {
 public:
  // Disconnects. Memory that was posted is not touched any more; of the Works, Fabric::retire() has to know.
  virtual ~Endpoint() = default;
  // Registered memory. 0, -EAGAIN when the queue is full for now, or another negative errno.
  virtual int post(std::uint8_t* memory, std::size_t bytes, Work& work) = 0;
  virtual int send(std::span<const iovec> pieces, Work& work) = 0;
  // A message that is copied at once: the memory, registered or not, is free again and no completion follows (FI_INJECT; inline data of
  // verbs). 0, -EAGAIN, another negative errno, or -EOPNOTSUPP: not this one, or not now, send() it. Does not overtake what was sent.
  virtual int inject(std::span<const iovec> pieces) = 0;
  // For the side that was asked.
  virtual int accept(std::span<const std::uint8_t> data) = 0;
  virtual int local_address(Address& out) const = 0;
  virtual int peer_address(Address& out) const = 0;
};

// Somebody wants to connect. Neither taken nor rejected: rejected without a word when it is destroyed.
class Request {
 public:
  virtual ~Request() = default;
  virtual std::span<const std::uint8_t> data() const = 0;
  // The endpoint for it, on which receives are to be posted before accept(). nullptr and a negative errno when it cannot be made.
  virtual std::unique_ptr<Endpoint> take(EndpointEvents& events, int& error) = 0;
  virtual void reject(std::span<const std::uint8_t> data) = 0;
};

class ListenerEvents {
 public:
  virtual void on_request(Request& request) = 0;
  // The process has no descriptor or memory for another one just now: they wait where they are until Listener::resume().
  virtual void on_paused() = 0;

 protected:
  ~ListenerEvents() = default;
};

// A local address, taken until it is destroyed; listening on it from listen() on.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual int listen(ListenerEvents& events) = 0;
  // Does nothing unless it paused.
  virtual void resume() = 0;
  virtual int local_address(Address& out) const = 0;
};

class DatagramEvents {
 public:
  virtual void on_datagram(const Address& from, std::span<const std::uint8_t> bytes) = 0;
  // As ListenerEvents::on_paused(), until DatagramPort::resume().
  virtual void on_paused() = 0;

 protected:
  ~DatagramEvents() = default;
};

// A local address for datagrams, taken until it is destroyed.
class DatagramPort {
 public:
  virtual ~DatagramPort() = default;
  // Copied at once, and on its way or lost, as datagrams may be: 0. -EMSGSIZE, -ECONNREFUSED when nobody has the address, another
  // negative errno.
  virtual int send(const Address& to, std::span<const iovec> pieces) = 0;
  // Does nothing unless it paused.
  virtual void resume() = 0;
  virtual int local_address(Address& out) const = 0;
};

struct FabricOptions {
  std::string provider = "auto";  // auto, verbs, tcp, shm
  std::string device;             // empty: the first that fits
  Address address;                // family 0: any
  std::uint32_t receives_per_endpoint = 0;
  std::uint32_t works = 0;  // posted at once, of all endpoints
};

class Fabric {
 public:
  virtual ~Fabric() = default;
  virtual const char* provider() const = 0;
  virtual const char* device() const = 0;
  // Pieces of one send, at most.
  virtual std::size_t most_pieces() const = 0;
  // Bytes of one message, at most.
  virtual std::size_t most_bytes() const = 0;
  // Works there are, so posted at once, of all endpoints: FabricOptions::works, or fewer where the device's queues are shorter.
  virtual std::uint32_t most_works() const = 0;

  // All memory that is ever posted. Once, before the first endpoint.
  virtual int register_memory(std::span<std::uint8_t> memory) = 0;
  virtual std::unique_ptr<Listener> bind(const Address& to, int& error) = 0;
  // An endpoint that is to be connected, on which receives are to be posted before connect().
  virtual std::unique_ptr<Endpoint> endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                             int& error) = 0;
  virtual int connect(Endpoint& endpoint, std::span<const std::uint8_t> data) = 0;

  // Bytes of the longest datagram; 0: the fabric has none.
  virtual std::size_t most_datagram() const { return 0; }
  virtual std::unique_ptr<DatagramPort> datagrams(const Address&, DatagramEvents&, int& error) {
    error = -EPROTONOSUPPORT;
    return nullptr;
  }
  // That were lost on this side.
  virtual std::uint64_t datagrams_lost() const { return 0; }

  // Takes in completions and events. True when there were any. Bounded.
  virtual bool poll() = 0;
  // Of an endpoint that is closed: free again once no completion can name it.
  virtual Work* work() = 0;
  virtual void retire(Work& work) = 0;
  // Its completion has come.
  virtual void recycle(Work& work) = 0;

  // A descriptor that becomes readable when poll() would find something; -1 if it has none.
  virtual int wait_fd() const = 0;
  // Before sleeping on wait_fd(), followed by one more poll(). False: that has something to do now.
  virtual bool may_wait() = 0;
};

}  // namespace demi::rdma
