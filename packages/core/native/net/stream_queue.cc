#include "demi/net/stream_queue.hpp"

#include <cstring>
#include <utility>

namespace demi::net {

StreamQueue::StreamQueue(StreamContext& context, const SocketRequest& request)
    : Queue(context.runtime), context_(context) {
  if (request.framing == Framing::kDmtr) {
    decoder_ = std::make_unique<dmtr::Decoder>(runtime_.arena(), request.max_message);
  }
}

StreamQueue::~StreamQueue() { drop_inbox(); }

// ---- starting and ending operations ---------------------------------------------------------------------------------

void StreamQueue::push(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  if (op.flags & layout::kFlagTo) return runtime_.complete(op, -EISCONN);
  if (send_error_ != 0) return runtime_.complete(op, send_error_);
  if (shut_) return runtime_.complete(op, -EPIPE);
  if (pushes_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  pushes_.push_back(op);
  if (state_ == State::kConnected) start_send();
}

void StreamQueue::pop(Op& op) {
  if (state_ != State::kConnected && state_ != State::kConnecting) return runtime_.complete(op, -ENOTCONN);
  pops_.push_back(op);
  satisfy();
}

int StreamQueue::shutdown() {
  if (state_ != State::kConnected && state_ != State::kConnecting) return -ENOTCONN;
  shut_ = true;
  send_end();
  return 0;
}

void StreamQueue::send_end() {
  if (!shut_ || end_sent_ || state_ != State::kConnected || !pushes_.empty() || sending() || send_error_ != 0) return;
  end_sent_ = true;
  end_sending();
}

bool StreamQueue::cancel(Op& op) {
  if (!op.linked) return false;
  if (op.code == layout::kOpPush) {
    // Bytes that went out cannot be taken back, and a stream with a hole would be worthless.
    if (op.started || op.cursor != 0) return false;
    pushes_.remove(op);
    send_end();
  } else {
    pops_.remove(op);
    if (pops_.empty()) stop_receive();
  }
  return true;
}

void StreamQueue::end_pops() {
  runtime_.fail_all(pops_, -ECANCELED);
  memory_wait_.unlink();
  if (const std::size_t bytes = drop_inbox(); bytes != 0) popped(bytes);
}

// ---- the connection -------------------------------------------------------------------------------------------------

void StreamQueue::connecting(Op& op) {
  connect_op_ = &op;
  state_ = State::kConnecting;
}

void StreamQueue::connected() {
  state_ = State::kConnected;
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), 0);
  if (!pushes_.empty()) start_send();
  send_end();
  satisfy();
}

void StreamQueue::connect_failed(int error) {
  state_ = State::kIdle;
  shut_ = false;
  if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), error);
  runtime_.fail_all(pushes_, error);
  runtime_.fail_all(pops_, error);
}

// ---- sending --------------------------------------------------------------------------------------------------------

std::uint64_t StreamQueue::wire_bytes(const Op& op) const {
  return decoder_ ? dmtr::encoded_bytes(runtime_.arena(), op.sga) : op.limit;
}

void StreamQueue::gather(Outgoing& out, bool commit) {
  const Arena& arena = runtime_.arena();
  out.iovecs = out.pushes = 0;
  for (Op* op = pushes_.front(); op != nullptr && out.iovecs < Outgoing::kIovecs; op = op->next) {
    const int room = Outgoing::kIovecs - out.iovecs;
    iovec* iov = out.iov + out.iovecs;
    if (decoder_) {
      if (out.pushes == Outgoing::kMessages || room < dmtr::kMaxIovecs) break;
      out.iovecs += dmtr::encode(arena, op->sga, op->cursor, out.framing[out.pushes], iov);
    } else {
      out.iovecs += arena.gather(op->sga, op->cursor, iov, room);
    }
    if (commit) op->started = true;
    ++out.pushes;
  }
}

void StreamQueue::sent(std::size_t bytes) {
  while (bytes != 0 && !pushes_.empty()) {
    Op& op = *pushes_.front();
    const std::uint64_t left = wire_bytes(op) - op.cursor;
    if (bytes < left) {
      op.cursor += static_cast<std::uint32_t>(bytes);
      return;
    }
    bytes -= left;
    pushes_.remove(op);
    runtime_.complete(op, static_cast<std::int32_t>(op.limit));
  }
  send_end();
}

void StreamQueue::send_failed(int error) {
  if (send_error_ == 0) send_error_ = error;
  if (!sending()) runtime_.fail_all(pushes_, send_error_);
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void StreamQueue::received(Sga chunk) {
  const auto length = static_cast<std::uint32_t>(runtime_.arena().bytes_of(chunk).size());
  if (receive_error_ != 0) [[unlikely]] {  // refused
    runtime_.arena().free(chunk);
    return popped(length);
  }
  if (!decoder_ && inbox_.empty() && !pops_.empty()) [[likely]] {
    Op& op = *pops_.front();
    if (op.limit == 0 || length <= op.limit) {
      pops_.remove(op);
      runtime_.complete(op, static_cast<std::int32_t>(length), chunk);
      return popped(length);
    }
  }
  inbox_.push(chunk);
  ++context_.unpopped;
  drain();
}

void StreamQueue::ended() {
  ended_ = true;
  // A reset may be reported once only; if a send met it first, the receive sees just the end.
  if (send_error_ != 0 && receive_error_ == 0) receive_error_ = send_error_;
  drain();
}

void StreamQueue::failed(int error) {
  if (receive_error_ == 0) receive_error_ = error;
  send_failed(error);
  drain();
}

void StreamQueue::satisfy() {
  drain();
  if (wants_bytes()) start_receive();
}

void StreamQueue::drain() {
  while (!pops_.empty()) {
    Op& op = *pops_.front();
    if (decoder_ ? pop_message(op) : pop_bytes(op)) continue;
    if (!inbox_.empty() || memory_wait_.linked()) return;
    if (ended_ && receive_error_ == 0 && decoder_ && decoder_->partial()) receive_error_ = -ECONNABORTED;
    if (receive_error_ != 0) return runtime_.fail_all(pops_, receive_error_);
    if (!ended_) return;
    runtime_.complete(*pops_.pop_front(), 0);
  }
}

// True when the operation has ended.
bool StreamQueue::pop_bytes(Op& op) {
  if (inbox_.empty()) return false;
  Arena& arena = runtime_.arena();
  const std::span<std::uint8_t> bytes = arena.bytes_of(inbox_.front());
  Sga out = inbox_.front();
  auto length = static_cast<std::uint32_t>(bytes.size());
  if (op.limit == 0 || length <= op.limit) {
    take_front();
  } else {
    out = arena.alloc(op.limit);
    if (out == 0) {
      context_.retries.when_memory(memory_wait_);
      return false;
    }
    length = op.limit;
    std::memcpy(arena.slot_start(out), bytes.data(), length);
    const auto offset = static_cast<std::uint32_t>(bytes.data() - arena.slot_start(inbox_.front()));
    arena.set_range(inbox_.front(), offset + length, static_cast<std::uint32_t>(bytes.size()) - length);
  }
  pops_.remove(op);
  runtime_.complete(op, static_cast<std::int32_t>(length), out);
  popped(length);
  return true;
}

bool StreamQueue::pop_message(Op& op) {
  if (refused_) return false;
  if (held_ == 0) {
    const std::int32_t result = decode();
    if (result == dmtr::Decoder::kNeedMore) return false;
    if (result == dmtr::Decoder::kBlocked) {
      context_.retries.when_memory(memory_wait_);
      return false;
    }
    if (result < 0) {
      refuse(result);
      return false;
    }
  }
  const std::uint32_t length = runtime_.arena().total(held_);
  pops_.remove(op);
  if (op.limit != 0 && op.limit < length) {
    runtime_.complete(op, -EMSGSIZE);
  } else {
    runtime_.complete(op, static_cast<std::int32_t>(length), std::exchange(held_, 0));
  }
  return true;
}

std::int32_t StreamQueue::decode() {
  Arena& arena = runtime_.arena();
  std::size_t consumed = 0;
  std::int32_t result;
  do {
    std::span<const std::uint8_t> in;
    if (!inbox_.empty()) in = arena.bytes_of(inbox_.front());
    const std::uint8_t* const start = in.data();
    result = decoder_->decode(in, held_);
    if (inbox_.empty()) break;
    const auto taken = static_cast<std::uint32_t>(in.data() - start);
    consumed += taken;
    if (in.empty()) {
      arena.free(take_front());
    } else {
      const auto offset = static_cast<std::uint32_t>(start - arena.slot_start(inbox_.front()));
      arena.set_range(inbox_.front(), offset + taken, static_cast<std::uint32_t>(in.size()));
    }
  } while (result == dmtr::Decoder::kNeedMore && !inbox_.empty());
  if (consumed != 0) popped(consumed);
  return result;
}

void StreamQueue::refuse(int error) {
  refused_ = true;
  ++context_.bad_messages;
  if (receive_error_ == 0) receive_error_ = error;
  if (const std::size_t bytes = drop_inbox(); bytes != 0) popped(bytes);
  shut_down();
  send_failed(error);
}

Sga StreamQueue::take_front() {
  --context_.unpopped;
  return inbox_.pop();
}

std::size_t StreamQueue::drop_inbox() {
  Arena& arena = runtime_.arena();
  std::size_t bytes = 0;
  while (!inbox_.empty()) {
    bytes += arena.bytes_of(inbox_.front()).size();
    arena.free(take_front());
  }
  if (held_ != 0) arena.free(std::exchange(held_, 0));
  return bytes;
}

}  // namespace demi::net
