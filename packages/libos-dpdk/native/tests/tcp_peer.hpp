// A TCP peer made by hand on the wire: just enough of RFC 9293 to talk to the engine, and everything a peer may do wrong through
// segment(). It sends what is not acknowledged again after a while.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire_bed.hpp"

namespace demi::dpdk::test {

class TcpPeer {
 public:
  // From a peer's port to a local one.
  TcpPeer(WireBed& bed, const Host& self, std::uint16_t port, std::uint32_t first_sequence = 1000);

  // The handshake. False when nobody answers in time.
  bool open(unsigned milliseconds = 5000);
  // Sends, and waits until all is acknowledged. Whole segments, or `piece` bytes each.
  bool deliver(std::string_view data, std::size_t piece = 1460, unsigned milliseconds = 20000);
  void finish();  // FIN
  void reset();   // RST

  // A segment at the current place of the stream, to be changed and sent as the test likes.
  Segment segment(std::uint8_t flags, std::string_view data = {}) const;
  bool send(const Segment& segment) { return bed_->send(tcp(self_, ours(self_.ip.family), segment)); }
  Bytes frame(const Segment& segment) const { return tcp(self_, ours(self_.ip.family), segment); }

  // Feed it every frame of the engine: whether it was one of this connection.
  bool take(const Bytes& frame);

  const Host& self() const { return self_; }
  std::string received;
  bool established = false;
  bool ended = false;      // the engine has sent its FIN
  bool was_reset = false;  // the engine has sent a RST
  bool acknowledging = true;
  std::uint32_t next = 0;          // sequence number of what comes next
  std::uint32_t acknowledged = 0;  // by the engine
  std::uint32_t expected = 0;      // from the engine
  std::uint32_t window = 0;        // the engine's, unscaled: no window scale is offered

 private:
  WireBed* bed_;  // a pointer: peers are replaced
  Host self_;
  std::uint16_t port_;
};

// Echoes on a port: TCP connections and datagrams.
class EchoServer {
 public:
  EchoServer(WireBed& bed, int family, std::uint16_t port, int backlog = 64);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  std::size_t connections() const { return pops_.size() - 1; }

 private:
  void completed(const Completion& c);

  WireBed& bed_;
  Qd listener_;
  Qd datagrams_;
  Qt accept_;
  std::map<Qt, Qd> pops_;
  std::map<Qt, Qd> pushes_;
  std::size_t place_;
};

// A new connection and a datagram, each echoed in full, from an address and port that were not used before.
bool clean_echo(WireBed& bed, int family, std::uint16_t port);

}  // namespace demi::dpdk::test
