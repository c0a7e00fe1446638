// What the sockets of one libOS share.
#pragma once

#include <vector>

#include "demi/net/stream_queue.hpp"
#include "net_stack.hpp"

namespace demi::dpdk {

class TcpSocket;

struct Context : net::StreamContext {
  Context(Runtime& runtime, NetStack& stack) : net::StreamContext(runtime), stack(stack) {}

  NetStack& stack;
  // Written to since the last poll: their segments go out together.
  std::vector<TcpSocket*> awaiting_output;
  std::uint64_t bad_datagrams = 0;  // framed datagrams that were no message: dropped
  std::uint64_t accept_paused = 0;  // accepts put off because queue descriptors ran out
};

}  // namespace demi::dpdk
