// One connection: the handshake, credits, messages in fragments, and an end that loses nothing. The socket above it keeps the
// operations, of which a connection knows nothing.
//
// A side may send as many fragments as the other has posted receives for it, and learns with every message how many were posted again
// (credits; InfiniBand's end-to-end flow control, done in the open because tcp has none of it). Three receives beyond the credits are for
// messages that need none: credits alone, of which no more than two are under way, and the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "context.hpp"
#include "wire.hpp"

namespace demi::rdma {

class ConnectionEvents {
 public:
  virtual void on_established() = 0;
  virtual void on_arrived() = 0;   // front() is something
  virtual void on_writable() = 0;  // send() would take more
  // The oldest of the messages that send() left under way was sent, and its memory is free.
  virtual void on_message_sent() = 0;
  virtual void on_shut() = 0;   // the peer sends no more data; what came before is still at front()
  virtual void on_ended() = 0;  // the peer has closed; as above
  // The connection is gone, for sends at once, for receives when what has arrived was taken.
  virtual void on_lost(int error) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection final : private EndpointEvents, private net::Retryable {
 public:
  using Clock = std::chrono::steady_clock;
  // Receives posted beyond the credits.
  static constexpr std::uint32_t kSpare = 3;
  static constexpr std::uint32_t kCreditMessages = kSpare - 1;  // under way
  // The buffers for sends are everybody's. When half of them are taken, a connection that has this many under way waits for one of
  // those, so that peers which take nothing in do not keep them all.
  static constexpr std::uint32_t kFairSends = 2;
  static constexpr std::size_t kMostPieces = 16;
  static constexpr std::chrono::seconds kConnecting{10};
  static constexpr std::chrono::seconds kLeaving{2};

  struct Fragment {
    std::uint32_t buffer;
    std::uint32_t bytes;  // of payload
    Header header;
  };

  explicit Connection(Context& context) : context_(context) {}
  ~Connection();

  // One of these once. 0 or a negative errno.
  int connect(const Address& from, const Address& to, ConnectionEvents& events);
  int accept(Request& request, ConnectionEvents& events);
  // Between the listener and the socket that is accepted nobody is told: what happened then comes with attach().
  void detach() { events_ = nullptr; }
  void attach(ConnectionEvents& events);

  Clock::time_point deadline() const { return deadline_; }
  const Handshake& peer() const { return peer_; }
  int local_address(Address& out) const { return endpoint_ ? endpoint_->local_address(out) : -ENOTCONN; }
  int peer_address(Address& out) const { return endpoint_ ? endpoint_->peer_address(out) : -ENOTCONN; }

  // To be sent: all of an sga. `taken`: bytes that earlier calls took.
  struct Message {
    Sga sga = 0;
    std::uint32_t bytes = 0;
    std::uint32_t taken = 0;
  };
  enum class Sent : std::uint8_t {
    kLater,  // not all of it: on_writable() or a retry of `waiting` follows, or on_lost()
    // All of it: on_message_sent() follows, once for each message, in the order in which they were sent: the completions of a reliable
    // connection's sends come in it.
    kUnderWay,
    kDone  // all of it, and its memory is free
  };
  // Takes as much of it as can be sent now.
  Sent send(Message& message, net::Retryable& waiting);
  // The short way for a message that can be sent and done with at once. False: send() it.
  bool send_whole(std::span<const std::uint8_t> message);

  // The half-close, behind everything that send() took. False: not now; on_writable() or a retry of `waiting` follows, or on_lost().
  bool send_shut(net::Retryable& waiting);

  bool empty() const { return arrived_.empty(); }
  const Fragment& front() const { return arrived_.front(); }
  std::span<const std::uint8_t> front_bytes() const;
  // The payload of the front as an sga, or nothing but its receive back.
  Sga take_front();
  void drop_front();

  // Nothing of it is wanted any more: no events; the peer is told, and the memory given back when it is safe.
  static void leave(std::unique_ptr<Connection> self, std::chrono::milliseconds within = kLeaving);
  // Of one that leaves: it may be destroyed.
  bool gone() const;
  void time_out() { give_up(-ETIMEDOUT); }

 private:
  // EndpointEvents
  void on_connected(std::span<const std::uint8_t> data) override;
  void on_refused(int error, std::span<const std::uint8_t> data) override;
  void on_disconnected() override { give_up(-ECONNRESET); }
  void on_received(Work& work, std::uint32_t bytes) override;
  void on_sent(Work& work) override;
  void on_failed(int error) override;
  // Retryable: slots or room to send were short
  void retry() override {
    post_missing();
    if (left_) say_end();
  }

  Handshake own() const;
  bool room() const;
  void claim();
  int post_all();
  bool post(std::uint32_t buffer);
  void post_missing();
  void return_credits();
  bool send_control(Kind kind);
  Header data_header(std::uint32_t offset, std::uint32_t bytes, std::uint32_t message) const;
  bool post_fragment(Sga sga, std::span<const iovec> pieces, std::uint32_t bytes, bool last);
  void credits_told();
  void fragment_sent();
  Sent no_room(net::Retryable& waiting);
  Work* begin_send(Work::Kind kind);
  bool post_send(std::span<const iovec> pieces, Work& work);
  Work* keep(Work::Kind kind, std::uint32_t buffer);
  void drop(Work& work);
  void post_again(std::uint32_t buffer);
  void settled();
  void say_end();
  bool accept_data(const Header& header, std::uint32_t buffer, std::uint32_t bytes);
  bool accept_shut(std::uint32_t buffer);
  void used(std::uint32_t buffer);
  void bad_message(int error);
  void give_up(int error);
  void close_endpoint();

  Context& context_;
  ConnectionEvents* events_ = nullptr;
  std::unique_ptr<Endpoint> endpoint_;  // nullptr: closed
  Handshake peer_;
  bool established_ = false;
  bool peer_shut_ = false;
  bool peer_ended_ = false;
  bool left_ = false;
  bool end_said_ = false;
  int error_ = 0;  // what it was lost with
  Clock::time_point deadline_{};
  std::uint32_t send_credits_ = 0;
  std::uint32_t peer_credits_ = 0;     // messages the peer may send, as far as it has been told
  std::uint32_t owed_ = 0;             // credits to be returned
  std::uint32_t credit_messages_ = 0;  // under way
  std::uint32_t missing_ = 0;          // receives to be posted when there are slots
  std::uint32_t unowed_ = 0;           // of them, which are no credits
  std::uint32_t next_offset_ = 0;
  std::uint32_t message_ = 0;  // bytes of the message that is arriving
  std::uint32_t sends_ = 0;    // under way
  bool blocked_ = false;       // send() waits for one of them
  std::deque<Fragment> arrived_;
  std::vector<Work*> works_;
};

}  // namespace demi::rdma
