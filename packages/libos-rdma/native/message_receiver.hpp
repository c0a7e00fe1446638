// The receiving side of a socket: its pops, and the messages they get, put together from the fragments that a connection brings. One message
// is one pop, unless the pop wants fewer bytes.
#pragma once

#include <cstdint>

#include "connection.hpp"

namespace demi::rdma {

class MessageReceiver {
 public:
  // `waiting` is retried when memory was short: drain() again then.
  MessageReceiver(Context& context, net::Retryable& waiting) : context_(context), waiting_(waiting) {}

  // A message that has arrived and no pop waits for; 0 without one.
  Sga try_pop(Connection& connection);
  // Completed by drain().
  void pop(Op& op) { pops_.push_back(op); }
  void cancel(Op& op) { pops_.remove(op); }
  // Completes pops with what has arrived, then with what ended the stream.
  void drain(Connection& connection);

  // The peer sends no more.
  void end() { ended_ = true; }
  // The connection is gone; what has arrived can still be popped.
  void lose(int error) {
    if (error_ == 0 && !ended_) error_ = error;
  }
  void fail_pops(int error) { context_.runtime.fail_all(pops_, error); }
  // Ends the pops and gives back what has arrived.
  void close();

 private:
  bool next_message(Connection& connection);
  bool assemble(Connection& connection);
  void append(std::span<const std::uint8_t> fragment);
  void deliver(Op& op);
  bool deliver_part(Op& op);
  Sga alloc(std::uint32_t bytes);

  Context& context_;
  net::Retryable& waiting_;
  OpList pops_;
  bool ended_ = false;
  int error_ = 0;
  Sga message_ = 0;              // whole, and not popped
  std::uint32_t taken_ = 0;      // bytes of it that were
  Sga assembly_ = 0;             // arriving in fragments
  std::uint32_t assembled_ = 0;  // bytes of it that are there
};

}  // namespace demi::rdma
