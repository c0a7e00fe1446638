// What sockets want of a TCP/IP stack. A stack is polled: events are called from NetStack::poll(), never from a call into the
// stack. Nothing here knows lwIP or DPDK.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "demi/address.hpp"
#include "demi/engine.hpp"
#include "demi/op.hpp"

namespace demi::dpdk {

// ---- streams --------------------------------------------------------------------------------------------------------

class ConnectionEvents {
 public:
  virtual void on_connected() = 0;
  // Bytes in order: an sga of one segment, owned by the device side, now the receiver's. Answer with Connection::consumed() when they
  // have been used, or the peer's window stays closed.
  virtual void on_received(Sga chunk) = 0;
  virtual void on_ended() = 0;     // the peer has sent everything
  virtual void on_writable() = 0;  // write() would take bytes again
  // The connection is gone (a negative errno); the Connection can only be destroyed.
  virtual void on_failed(int error) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection {
 public:
  // An open connection is reset.
  virtual ~Connection() = default;
  virtual void set_events(ConnectionEvents& events) = 0;

  // 0 or a negative errno.
  virtual int bind(const Address& to) = 0;
  virtual int connect(const Address& to) = 0;
  // Copies as much as the send buffer has room for; returns how many bytes. They leave with output().
  virtual std::size_t write(std::span<const std::uint8_t> bytes) = 0;
  virtual void output() = 0;
  virtual void consumed(std::size_t bytes) = 0;
  // What was written is still sent, then the end. Nothing is written after it; the peer's bytes go on coming.
  virtual void end() = 0;
  // The same, with no events any more: what the peer still sends is thrown away.
  virtual void close() = 0;

  virtual int local_address(Address& out) const = 0;
  virtual int peer_address(Address& out) const = 0;
  virtual int set_option(SocketOption option, int value) = 0;
  virtual int get_option(SocketOption option, int& value) const = 0;
};

class ListenerEvents {
 public:
  // A connection is established. Destroying it resets it.
  virtual void on_incoming(std::unique_ptr<Connection> connection) = 0;
  // Those given that nobody has accepted, and `coming` that are established and not given yet, are as many as the backlog allows.
  virtual bool full(std::size_t coming) const = 0;

 protected:
  ~ListenerEvents() = default;
};

// Listens until destroyed.
class StackListener {
 public:
  virtual ~StackListener() = default;
};

// ---- datagrams ------------------------------------------------------------------------------------------------------

class EndpointEvents {
 public:
  // A datagram, as an sga owned by the device side with its sender's address set, now the receiver's. It may be empty.
  virtual void on_received(Sga datagram) = 0;
  // True when one more would be taken; otherwise it is dropped before memory is spent on it.
  virtual bool has_room() const = 0;

 protected:
  ~EndpointEvents() = default;
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual void set_events(EndpointEvents& events) = 0;
  virtual int bind(const Address& to) = 0;
  // Only datagrams from there are received, and send() may do without an address.
  virtual int connect(const Address& to) = 0;
  // One datagram of the given pieces, copied; `to` of family 0: where it is connected to. 0 or a negative errno: -EDESTADDRREQ,
  // -EMSGSIZE, -ENETUNREACH, -ENOBUFS when the device is full for now.
  virtual int send(std::span<const iovec> pieces, const Address& to) = 0;
  virtual int local_address(Address& out) const = 0;
  virtual int peer_address(Address& out) const = 0;
  virtual int set_option(SocketOption option, int value) = 0;
  virtual int get_option(SocketOption option, int& value) const = 0;
};

// ---- the stack ------------------------------------------------------------------------------------------------------

struct StackOptions {
  Address ipv4;
  unsigned prefix4 = 24;
  Address gateway;  // family 0: none
  Address ipv6;     // family 0: only the link-local address
  unsigned prefix6 = 64;
  struct Neighbour {
    Address ip;
    std::array<std::uint8_t, 6> mac;
  };
  std::vector<Neighbour> neighbours;  // static ARP entries
};

class NetStack {
 public:
  virtual ~NetStack() = default;
  virtual const char* name() const = 0;

  virtual std::unique_ptr<Connection> connection(int family) = 0;
  // nullptr and a negative errno in `error` on failure. `from` is what bind() was called on.
  virtual std::unique_ptr<StackListener> listen(std::unique_ptr<Connection>& from, int backlog, ListenerEvents& events,
                                                int& error) = 0;
  virtual std::unique_ptr<Endpoint> endpoint(int family) = 0;

  // Takes in what has arrived, runs the timers, sends what is to be sent. True when anything arrived. Bounded.
  virtual bool poll() = 0;
  // Hands the device what waits to be sent.
  virtual void transmit() = 0;

  virtual void stats(const StatSink& sink) const = 0;
};

}  // namespace demi::dpdk
