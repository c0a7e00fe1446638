// What the sockets and connections of one libOS share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "buffers.hpp"
#include "demi/net/retry_lists.hpp"
#include "demi/runtime.hpp"
#include "fabric.hpp"

namespace demi::rdma {

class Connection;

struct Counters {
  std::uint64_t credit_stalls = 0;  // pushes that had to wait for the peer to pop
  std::uint64_t credit_messages = 0;
  std::uint64_t accept_paused = 0;      // times there was no descriptor for a caller
  std::uint64_t bad_messages = 0;       // connections ended for what the peer sent
  std::uint64_t refused = 0;            // requests turned away
  std::uint64_t send_full = 0;          // the send queue had no room
  std::uint64_t datagrams_lost = 0;     // nobody popped them in time
  std::map<int, std::uint64_t> errors;  // completions with an error, by errno
};

struct Context {
  Context(Runtime& runtime, Fabric& fabric, Buffers& buffers);
  ~Context();

  Runtime& runtime;
  Fabric& fabric;
  Buffers& buffers;
  net::RetryLists retries;
  Counters counters;
  std::uint16_t credits = 16;
  std::uint32_t most_message = 1u << 20;
  std::uint64_t posted = 0;  // receives
  // Receives that connections may post, and how many may be at once: what is left of the fabric's Works is for sends.
  std::uint64_t claimed = 0;
  std::uint64_t most_claimed = 0;
  std::uint64_t sending = 0;
  // Connecting, and not there yet.
  std::vector<Connection*> pending;
  // Nobody's any more: saying goodbye, or to be destroyed after the poll.
  std::vector<std::unique_ptr<Connection>> leaving;
};

}  // namespace demi::rdma
