// A stream socket on io_uring.
//
// Receiving: one request stays with the kernel and brings a slot for everything that arrives (multishot). A peer that
// sends faster than the application pops loses that: from then on each receive is asked for, one slot at a time.
// Sending: one request at a time, gathering the pushes that wait.
//
// The object lives until the kernel has ended its requests, also after its queue descriptor was closed.
#pragma once

#include "buffer_ring.hpp"
#include "stream_socket.hpp"

namespace demi::posix {

class UringDriver;
struct WorkTag;
struct MultishotTag;
struct ClosingTag;

// A sendmsg the kernel still reads.
struct SendFrame {
  msghdr message;
  Outgoing out;
};

class UringStream final : public StreamSocket,
                          public Pollable,
                          public Retryable,
                          public ListHook<UringStream, WorkTag>,
                          public ListHook<UringStream, MultishotTag>,
                          public ListHook<UringStream, ClosingTag> {
 public:
  UringStream(Context& context, UringDriver& driver, int fd, const SocketRequest& request)
      : StreamSocket(context, fd, request), driver_(driver), non_blocking_(fd >= 0) {}
  ~UringStream() override;

  // Makes the requests that are wanted now. Called once per poll after something changed.
  void prepare();
  void on_receive_ended(int result, std::uint32_t flags);
  void on_send_ended(int result);
  // The ring is gone: gives up ownership of itself.
  Queue* abandon() { return self_.release(); }
  // Whatever arrives is no longer welcome unless it was asked for.
  void demote();

  void on_ready(std::uint32_t events) override;
  void retry() override;

 protected:
  int attach() override;
  int await_connect() override;
  void abandon_connect() override;
  void start_send() override;
  void send_rest() override;
  void start_receive() override;
  void stop_receive() override;
  bool sending() const override { return send_in_flight_; }
  void release(std::unique_ptr<Queue> self) override;

 private:
  static constexpr std::size_t kUnpopped = 4;      // slots received and not popped before receiving stops
  static constexpr std::uint32_t kPromotion = 64;  // receives in a row that met a waiting pop, to earn multishot back

  enum class Receive : std::uint8_t { kNone, kSingle, kMultishot };

  void prepare_send();
  void prepare_receive();
  BufferRing& wanted_ring();
  void use_ring(BufferRing* ring);
  void cancel_receive();
  void release_frame();
  void finish_closing();

  UringDriver& driver_;
  BufferRing* ring_ = nullptr;
  Receive receive_ = Receive::kNone;
  bool cancelling_ = false;
  bool demoted_ = false;
  bool non_blocking_;  // O_NONBLOCK is set: the ring would answer EAGAIN instead of waiting
  bool send_in_flight_ = false;
  std::uint32_t well_met_ = 0;
  SendFrame* frame_ = nullptr;
  std::unique_ptr<Queue> self_;  // closed, the kernel is not done
  std::vector<Sga> lent_;        // memory the kernel still reads after close
};

}  // namespace demi::posix
