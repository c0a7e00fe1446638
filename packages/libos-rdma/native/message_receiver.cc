#include "message_receiver.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace demi::rdma {

Sga MessageReceiver::try_pop(Connection& connection) {
  if (!pops_.empty() || taken_ != 0) return 0;
  if (message_ == 0 && !next_message(connection)) return 0;
  return std::exchange(message_, 0);
}

void MessageReceiver::drain(Connection& connection) {
  while (!pops_.empty()) {
    Op& op = *pops_.front();
    if (message_ != 0 || next_message(connection)) {
      const std::uint32_t left = context_.runtime.arena().total(message_) - taken_;
      if (taken_ == 0 && (op.limit == 0 || op.limit >= left)) {
        deliver(op);
      } else if (!deliver_part(op)) {
        return context_.retries.when_memory(waiting_);
      }
      continue;
    }
    if (!connection.empty() || waiting_.linked()) return;
    if (error_ == 0 && ended_ && assembly_ != 0) error_ = -ECONNABORTED;
    if (error_ != 0) return fail_pops(error_);
    if (!ended_) return;
    context_.runtime.complete(*pops_.pop_front(), 0);
  }
}

void MessageReceiver::close() {
  fail_pops(-ECANCELED);
  Arena& arena = context_.runtime.arena();
  if (message_ != 0) arena.free(std::exchange(message_, 0));
  if (assembly_ != 0) arena.free(std::exchange(assembly_, 0));
}

// ---- putting together -----------------------------------------------------------------------------------------------

// True when message_ is one.
bool MessageReceiver::next_message(Connection& connection) {
  if (connection.empty()) return false;
  if (connection.front().header.more || assembly_ != 0) return assemble(connection);
  message_ = connection.take_front();
  taken_ = 0;
  return true;
}

// A message of several fragments is copied together, and each fragment's receive posted again at once.
bool MessageReceiver::assemble(Connection& connection) {
  if (assembly_ == 0) {
    assembly_ = alloc(connection.front().header.message);
    if (assembly_ == 0) {
      context_.retries.when_memory(waiting_);
      return false;
    }
    assembled_ = 0;
  }
  while (!connection.empty()) {
    const bool more = connection.front().header.more;
    append(connection.front_bytes());
    connection.drop_front();
    if (more) continue;
    message_ = std::exchange(assembly_, 0);
    taken_ = 0;
    return true;
  }
  return false;
}

void MessageReceiver::append(std::span<const std::uint8_t> fragment) {
  std::size_t skip = assembled_;
  std::size_t done = 0;
  context_.runtime.arena().for_each_segment(assembly_, [&](std::span<std::uint8_t> segment) {
    const std::size_t before = std::min(skip, segment.size());
    skip -= before;
    const std::size_t n = std::min(segment.size() - before, fragment.size() - done);
    std::memcpy(segment.data() + before, fragment.data() + done, n);
    done += n;
  });
  assembled_ += static_cast<std::uint32_t>(fragment.size());
}

// As few segments as hold it; 0 when memory is short.
Sga MessageReceiver::alloc(std::uint32_t bytes) {
  Arena& arena = context_.runtime.arena();
  std::array<std::uint32_t, layout::kMaxSegments> sizes;
  std::size_t count = 0;
  for (std::uint32_t left = bytes; left != 0; ++count) {
    sizes[count] = std::min(left, arena.largest());
    left -= sizes[count];
  }
  return arena.alloc_chain({sizes.data(), count});
}

// ---- handing over ---------------------------------------------------------------------------------------------------

void MessageReceiver::deliver(Op& op) {
  const auto length = static_cast<std::int32_t>(context_.runtime.arena().total(message_));
  pops_.remove(op);
  context_.runtime.complete(op, length, std::exchange(message_, 0));
}

// A pop that wants less than there is, or the rest of a message: a copy. False when there is no memory for it.
bool MessageReceiver::deliver_part(Op& op) {
  Arena& arena = context_.runtime.arena();
  const std::uint32_t left = arena.total(message_) - taken_;
  const std::uint32_t bytes = op.limit == 0 ? left : std::min(left, op.limit);
  const Sga part = alloc(bytes);
  if (part == 0) return false;
  iovec from[layout::kMaxSegments];
  const int pieces = arena.gather(message_, taken_, from, layout::kMaxSegments);
  int piece = 0;
  std::size_t used = 0;
  arena.for_each_segment(part, [&](std::span<std::uint8_t> to) {
    for (std::size_t done = 0; done < to.size() && piece < pieces;) {
      const std::size_t n = std::min(to.size() - done, from[piece].iov_len - used);
      std::memcpy(to.data() + done, static_cast<const std::uint8_t*>(from[piece].iov_base) + used, n);
      done += n;
      used += n;
      if (used == from[piece].iov_len) {
        ++piece;
        used = 0;
      }
    }
  });
  taken_ += bytes;
  if (bytes == left) {
    arena.free(std::exchange(message_, 0));
    taken_ = 0;
  }
  pops_.remove(op);
  context_.runtime.complete(op, static_cast<std::int32_t>(bytes), part);
  return true;
}

}  // namespace demi::rdma
