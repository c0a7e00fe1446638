// What a connection receives: the receives it posts, messages and what they may be, credits that are owed for them.
#include <utility>

#include "connection.hpp"

namespace demi::rdma {

// The buffer is the device's afterwards, or free again when it could not be posted.
bool Connection::post(std::uint32_t buffer) {
  Work* const work = keep(Work::Kind::kReceive, buffer);
  if (work == nullptr) {
    context_.buffers.give_receive(buffer);
    return false;
  }
  if (endpoint_->post(context_.buffers.receive(buffer), context_.buffers.receive_bytes(), *work) == 0) [[likely]] {
    ++context_.posted;
    return true;
  }
  drop(*work);
  context_.fabric.recycle(*work);
  context_.buffers.give_receive(buffer);
  return false;
}

void Connection::post_missing() {
  while (missing_ != 0 && endpoint_) {
    std::uint32_t buffer = 0;
    if (!context_.buffers.take_receive(buffer)) {
      context_.retries.when_memory(*this);
      break;
    }
    if (!post(buffer)) {
      context_.retries.soon(*this);
      break;
    }
    --missing_;
    if (unowed_ != 0) {
      --unowed_;
    } else {
      ++owed_;
    }
  }
  return_credits();
}

// The receive of a message that took no credit, or of one nobody wants.
void Connection::post_again(std::uint32_t buffer) {
  if (!endpoint_) return context_.buffers.give_receive(buffer);
  if (post(buffer)) return;
  ++missing_;
  ++unowed_;
  context_.retries.soon(*this);
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void Connection::on_received(Work& work, std::uint32_t bytes) {
  const std::uint32_t buffer = work.buffer;
  drop(work);
  context_.fabric.recycle(work);
  --context_.posted;
  const auto header = Header::decode({context_.buffers.receive(buffer), bytes});
  if (!header) {
    context_.buffers.give_receive(buffer);
    return bad_message(-EPROTO);
  }
  send_credits_ += header->credits;
  if (send_credits_ > peer_.credits) [[unlikely]] {
    context_.buffers.give_receive(buffer);
    return bad_message(-EPROTO);
  }
  if (header->kind == Kind::kData) {
    if (!accept_data(*header, buffer, bytes - static_cast<std::uint32_t>(Header::kBytes))) return;
  } else if (header->kind == Kind::kShut) {
    if (!accept_shut(buffer)) return;
  } else {
    post_again(buffer);
    if (header->kind == Kind::kEnd && !std::exchange(peer_ended_, true) && events_ != nullptr) events_->on_ended();
  }
  if (header->credits != 0 && events_ != nullptr) events_->on_writable();
}

bool Connection::accept_data(const Header& header, std::uint32_t buffer, std::uint32_t bytes) {
  int error = 0;
  if (header.message > context_.most_message) {
    error = -EMSGSIZE;
  } else if (header.offset != next_offset_ || (header.offset != 0 && header.message != message_) || peer_ended_ ||
             peer_shut_ || peer_credits_ == 0) {
    error = -EPROTO;
  }
  if (error != 0) {
    context_.buffers.give_receive(buffer);
    bad_message(error);
    return false;
  }
  --peer_credits_;
  message_ = header.message;
  next_offset_ = header.more ? header.offset + bytes : 0;
  if (left_) {
    // Nobody's: not to keep the fabric from delivering the end.
    post_again(buffer);
    return true;
  }
  arrived_.push_back({buffer, bytes, header});
  if (events_ != nullptr) events_->on_arrived();
  return true;
}

// As data it takes a credit, so that no more receives are needed than those of the credits.
bool Connection::accept_shut(std::uint32_t buffer) {
  if (next_offset_ != 0 || peer_ended_ || peer_shut_ || peer_credits_ == 0) {
    context_.buffers.give_receive(buffer);
    bad_message(-EPROTO);
    return false;
  }
  --peer_credits_;
  peer_shut_ = true;
  if (left_) {
    post_again(buffer);
    return true;
  }
  used(buffer);
  if (events_ != nullptr) events_->on_shut();
  return true;
}

std::span<const std::uint8_t> Connection::front_bytes() const {
  return {context_.buffers.receive(front().buffer) + Header::kBytes, front().bytes};
}

Sga Connection::take_front() {
  const Fragment fragment = front();
  arrived_.pop_front();
  const Sga sga = context_.buffers.adopt(fragment.buffer, Header::kBytes, fragment.bytes);
  ++missing_;
  post_missing();
  return sga;
}

void Connection::drop_front() {
  const Fragment fragment = front();
  arrived_.pop_front();
  used(fragment.buffer);
}

// What a credit was spent on has been taken in: its receive is posted again, and the credit owed.
void Connection::used(std::uint32_t buffer) {
  if (!endpoint_) return context_.buffers.give_receive(buffer);
  if (post(buffer)) {
    ++owed_;
    return return_credits();
  }
  ++missing_;
  context_.retries.soon(*this);
}

void Connection::bad_message(int error) {
  ++context_.counters.bad_messages;
  give_up(error);
}

}  // namespace demi::rdma
