// What a connection sends: fragments under credits, credits alone, the end.
#include <algorithm>
#include <cstring>
#include <utility>

#include "connection.hpp"

namespace demi::rdma {

// With a send buffer; nullptr when there is no free buffer, or no Work.
Work* Connection::begin_send(Work::Kind kind) {
  std::uint32_t buffer = 0;
  if (!context_.buffers.take_send(buffer)) return nullptr;
  Work* const work = keep(kind, buffer);
  if (work == nullptr) context_.buffers.give_send(buffer);
  return work;
}

bool Connection::post_send(std::span<const iovec> pieces, Work& work) {
  const int error = endpoint_->send(pieces, work);
  if (error == 0) [[likely]] {
    ++sends_;
    ++context_.sending;
    return true;
  }
  ++context_.counters.send_full;
  context_.buffers.give_send(work.buffer);
  drop(work);
  context_.fabric.recycle(work);
  return false;
}

// Its own completions tell when there is room again, if any are to come.
Connection::Sent Connection::no_room(net::Retryable& waiting) {
  if (sends_ != 0) {
    blocked_ = true;
  } else {
    context_.retries.soon(waiting);
  }
  return Sent::kLater;
}

bool Connection::send_whole(std::span<const std::uint8_t> message) {
  if (!endpoint_ || !established_ || send_credits_ == 0) return false;
  const auto bytes = static_cast<std::uint32_t>(message.size());
  if (bytes > peer_.buffer - Header::kBytes || bytes > peer_.most_message) return false;
  std::uint8_t header[Header::kBytes];
  data_header(0, bytes, bytes).encode(header);
  const iovec pieces[] = {{header, sizeof header}, {const_cast<std::uint8_t*>(message.data()), bytes}};
  if (endpoint_->inject(pieces) != 0) return false;
  fragment_sent();
  return true;
}

Connection::Sent Connection::send(Message& message, net::Retryable& waiting) {
  Arena& arena = context_.runtime.arena();
  while (true) {
    if (!endpoint_ || !established_) return Sent::kLater;
    if (send_credits_ == 0) {
      ++context_.counters.credit_stalls;
      return Sent::kLater;
    }
    iovec pieces[kMostPieces];
    // A fabric that sends one piece has all of it copied.
    const std::size_t room = std::clamp<std::size_t>(context_.fabric.most_pieces(), 2, kMostPieces) - 1;
    const int gathered = arena.gather(message.sga, message.taken, pieces + 1, static_cast<int>(room));
    const std::uint32_t most = context_.fabric.most_pieces() < 2 ? Buffers::kCopied : peer_.buffer;
    std::uint32_t left = std::min({message.bytes - message.taken, peer_.buffer - std::uint32_t{Header::kBytes}, most});
    std::uint32_t bytes = 0;
    int count = 1;
    for (int i = 1; i <= gathered && left != 0; ++i, ++count) {
      pieces[i].iov_len = std::min<std::size_t>(pieces[i].iov_len, left);
      bytes += static_cast<std::uint32_t>(pieces[i].iov_len);
      left -= static_cast<std::uint32_t>(pieces[i].iov_len);
    }
    const bool last = message.taken + bytes == message.bytes;
    std::uint8_t header[Header::kBytes];
    data_header(message.taken, bytes, message.bytes).encode(header);
    pieces[0] = {header, sizeof header};
    const std::span<const iovec> fragment(pieces, static_cast<std::size_t>(count));
    if (const int error = endpoint_->inject(fragment); error == -EOPNOTSUPP) {
      if (!post_fragment(message.sga, fragment, bytes, last)) return no_room(waiting);
      message.taken += bytes;
      if (last) return Sent::kUnderWay;
    } else if (error != 0) {
      ++context_.counters.send_full;
      return no_room(waiting);
    } else {
      fragment_sent();
      message.taken += bytes;
      if (last) return Sent::kDone;
    }
  }
}

bool Connection::send_shut(net::Retryable& waiting) {
  if (!endpoint_ || !established_) return false;
  if (send_credits_ == 0) {
    ++context_.counters.credit_stalls;
    return false;
  }
  if (!send_control(Kind::kShut)) {
    no_room(waiting);
    return false;
  }
  --send_credits_;
  return true;
}

// By a completion: from memory that stays until it has come. A short message is copied behind its header.
bool Connection::post_fragment(Sga sga, std::span<const iovec> pieces, std::uint32_t bytes, bool last) {
  if (sends_ >= kFairSends && context_.buffers.sends_free() < Buffers::kSends / 2) [[unlikely]]
    return false;
  Work* const work = begin_send(last ? Work::Kind::kLastFragment : Work::Kind::kFragment);
  if (work == nullptr) return false;
  std::uint8_t* const memory = context_.buffers.send(work->buffer);
  iovec placed[kMostPieces];
  std::copy(pieces.begin(), pieces.end(), placed);
  std::memcpy(memory, pieces[0].iov_base, Header::kBytes);
  placed[0] = {memory, Header::kBytes};
  std::size_t count = pieces.size();
  const bool copied = bytes <= Buffers::kCopied;
  if (copied) {
    std::uint8_t* to = memory + Header::kBytes;
    for (const iovec& piece : pieces.subspan(1)) {
      std::memcpy(to, piece.iov_base, piece.iov_len);
      to += piece.iov_len;
    }
    placed[0].iov_len += bytes;
    count = 1;
  }
  if (!post_send({placed, count}, *work)) return false;
  if (!copied) {
    work->sga = sga;
    context_.runtime.arena().pin(sga);
  }
  fragment_sent();
  return true;
}

Header Connection::data_header(std::uint32_t offset, std::uint32_t bytes, std::uint32_t message) const {
  return {.kind = Kind::kData,
          .more = offset + bytes < message,
          .credits = static_cast<std::uint16_t>(owed_),
          .message = message,
          .offset = offset};
}

void Connection::credits_told() { peer_credits_ += std::exchange(owed_, 0); }

void Connection::fragment_sent() {
  credits_told();
  --send_credits_;
}

bool Connection::send_control(Kind kind) {
  if (!endpoint_) return false;
  std::uint8_t header[Header::kBytes];
  Header{.kind = kind, .credits = static_cast<std::uint16_t>(owed_)}.encode(header);
  const iovec injected{header, sizeof header};
  const int error = endpoint_->inject({&injected, 1});
  if (error == -EOPNOTSUPP) {
    Work* const work = begin_send(kind == Kind::kCredit ? Work::Kind::kCredit : Work::Kind::kControl);
    if (work == nullptr) return false;
    std::uint8_t* const memory = context_.buffers.send(work->buffer);
    std::memcpy(memory, header, sizeof header);
    const iovec piece{memory, sizeof header};
    if (!post_send({&piece, 1}, *work)) return false;
    if (kind == Kind::kCredit) ++credit_messages_;
  } else if (error != 0) {
    ++context_.counters.send_full;
    return false;
  }
  credits_told();
  return true;
}

// With whatever is sent next, unless the peer may be waiting for them: when it has used half of them, or all while the rest cannot be
// returned yet.
void Connection::return_credits() {
  const std::uint32_t enough = missing_ != 0 && peer_credits_ == 0 ? 1 : (context_.credits + 1u) / 2;
  if (!established_ || left_ || owed_ < enough) return;
  // A peer that does not take in what it is sent is sent no more of them: on_sent() goes on.
  if (credit_messages_ == kCreditMessages) return;
  if (send_control(Kind::kCredit)) {
    ++context_.counters.credit_messages;
  } else if (endpoint_) {
    context_.retries.soon(*this);
  }
}

void Connection::on_sent(Work& work) {
  context_.buffers.give_send(work.buffer);
  if (work.sga != 0) context_.runtime.arena().unpin(work.sga);
  const Work::Kind kind = work.kind;
  drop(work);
  context_.fabric.recycle(work);
  --sends_;
  --context_.sending;
  if (kind == Work::Kind::kCredit) {
    --credit_messages_;
    return_credits();
  }
  if (kind == Work::Kind::kLastFragment && events_ != nullptr) events_->on_message_sent();
  if (blocked_) [[unlikely]] {
    blocked_ = false;
    if (events_ != nullptr) events_->on_writable();
  }
}

}  // namespace demi::rdma
