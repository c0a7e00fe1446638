#include "connection.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace demi::rdma {

Connection::~Connection() {
  close_endpoint();
  for (const Fragment& fragment : arrived_) context_.buffers.give_receive(fragment.buffer);
}

// ---- coming ---------------------------------------------------------------------------------------------------------

Handshake Connection::own() const {
  const std::size_t buffer = std::min<std::size_t>(context_.buffers.receive_bytes(), context_.fabric.most_bytes());
  return {
      .credits = context_.credits, .buffer = static_cast<std::uint32_t>(buffer), .most_message = context_.most_message};
}

int Connection::connect(const Address& from, const Address& to, ConnectionEvents& events) {
  events_ = &events;
  deadline_ = Clock::now() + kConnecting;
  int error = 0;
  endpoint_ = context_.fabric.endpoint(from, to, *this, error);
  if (!endpoint_) return error;
  context_.pending.push_back(this);
  error = post_all();
  if (error == 0) error = context_.fabric.connect(*endpoint_, own().encode());
  if (error != 0) close_endpoint();
  return error;
}

int Connection::accept(Request& request, ConnectionEvents& events) {
  const auto reject = [&](Refusal why, int error) {
    ++context_.counters.refused;
    const auto reason = static_cast<std::uint8_t>(why);
    request.reject({&reason, 1});
    return error;
  };
  const auto handshake = Handshake::decode(request.data());
  if (!handshake) return reject(Refusal::kHandshake, -EPROTO);
  if (context_.buffers.receives_free() < context_.credits + kSpare) return reject(Refusal::kMemory, -ENOBUFS);
  peer_ = *handshake;
  send_credits_ = peer_.credits;
  events_ = &events;
  deadline_ = Clock::now() + kConnecting;
  int error = 0;
  endpoint_ = request.take(*this, error);
  if (!endpoint_) return reject(Refusal::kMemory, error);
  context_.pending.push_back(this);
  error = post_all();
  if (error == 0) error = endpoint_->accept(own().encode());
  if (error != 0) close_endpoint();
  return error;
}

int Connection::post_all() {
  for (std::uint32_t i = 0; i < context_.credits + kSpare; ++i) {
    std::uint32_t buffer = 0;
    if (!context_.buffers.take_receive(buffer)) return -ENOBUFS;
    if (!post(buffer)) return -ENOBUFS;
  }
  peer_credits_ = context_.credits;
  return 0;
}

void Connection::connected(std::span<const std::uint8_t> data) {
  if (established_) return;
  if (peer_.buffer == 0) {
    const auto handshake = Handshake::decode(data);
    if (!handshake) return give_up(-EPROTO);
    peer_ = *handshake;
    send_credits_ = peer_.credits;
  }
  established_ = true;
  settled();
  if (events_ != nullptr) events_->established();
}

void Connection::settled() { std::erase(context_.pending, this); }

// A peer that has no room just now refuses as one that does not listen.
void Connection::refused(int error, std::span<const std::uint8_t> data) {
  const bool understood = data.empty() || data[0] != static_cast<std::uint8_t>(Refusal::kHandshake);
  give_up(understood ? error : -EPROTO);
}

// ---- what is posted -------------------------------------------------------------------------------------------------

Work* Connection::keep(bool sending, std::uint32_t buffer) {
  Work* const work = context_.fabric.work();
  if (work == nullptr) return nullptr;
  work->owner = this;
  work->sending = sending;
  work->buffer = buffer;
  work->sga = 0;
  work->operation = nullptr;
  work->place = static_cast<std::uint32_t>(works_.size());
  works_.push_back(work);
  return work;
}

void Connection::drop(Work& work) {
  works_.back()->place = work.place;
  works_[work.place] = works_.back();
  works_.pop_back();
  work.owner = nullptr;
}

// The buffer is the device's afterwards, or free again when it could not be posted.
bool Connection::post(std::uint32_t buffer) {
  Work* const work = keep(false, buffer);
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

void Connection::close_endpoint() {
  if (!endpoint_) return;
  endpoint_.reset();
  settled();
  unlink();
  for (Work* work : works_) {
    if (work->sending) {
      context_.buffers.give_send(work->buffer);
      if (work->sga != 0) context_.runtime.arena().unpin(work->sga);
      --context_.sending;
    } else {
      context_.buffers.give_receive(work->buffer);
      --context_.posted;
    }
    context_.fabric.retire(*work);
  }
  works_.clear();
  sends_ = 0;
  credit_messages_ = 0;
}

// ---- sending --------------------------------------------------------------------------------------------------------

// With a send buffer of its own; nullptr when there is none, or no Work.
Work* Connection::begin_send() {
  std::uint32_t buffer = 0;
  if (!context_.buffers.take_send(buffer)) return nullptr;
  Work* const work = keep(true, buffer);
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
bool Connection::no_room(net::Retryable& waiting) {
  if (sends_ != 0) {
    blocked_ = true;
  } else {
    context_.retries.soon(waiting);
  }
  return false;
}

bool Connection::send(Op& op, net::Retryable& waiting) {
  Arena& arena = context_.runtime.arena();
  while (op.cursor < op.limit) {
    if (!endpoint_ || !established_) return false;
    if (send_credits_ == 0) {
      ++context_.counters.credit_stalls;
      return false;
    }
    if (sends_ >= kFairSends && context_.buffers.sends_free() < Buffers::kSends / 2) [[unlikely]]
      return no_room(waiting);
    Work* const work = begin_send();
    if (work == nullptr) return no_room(waiting);
    std::uint8_t* const memory = context_.buffers.send(work->buffer);
    iovec pieces[16];
    const int room = static_cast<int>(std::min<std::size_t>(context_.fabric.most_pieces(), 16)) - 1;
    const int gathered = arena.gather(op.sga, op.cursor, pieces + 1, room < 1 ? 1 : room);
    std::uint32_t left = std::min(op.limit - op.cursor, peer_.buffer - static_cast<std::uint32_t>(Header::kBytes));
    std::uint32_t bytes = 0;
    int count = 1;
    for (int i = 1; i <= gathered && left != 0; ++i, ++count) {
      pieces[i].iov_len = std::min<std::size_t>(pieces[i].iov_len, left);
      bytes += static_cast<std::uint32_t>(pieces[i].iov_len);
      left -= static_cast<std::uint32_t>(pieces[i].iov_len);
    }
    const bool copied = bytes <= Buffers::kCopied || room < 1;
    if (copied) {
      std::uint8_t* to = memory + Header::kBytes;
      bytes = std::min(bytes, Buffers::kCopied);
      for (std::uint32_t done = 0, i = 1; done < bytes; ++i) {
        const std::size_t n = std::min<std::size_t>(pieces[i].iov_len, bytes - done);
        std::memcpy(to + done, pieces[i].iov_base, n);
        done += static_cast<std::uint32_t>(n);
      }
      count = 1;
    }
    const std::uint32_t end = op.cursor + bytes;
    Header{.kind = Kind::kData,
           .more = end < op.limit,
           .credits = static_cast<std::uint16_t>(owed_),
           .message = op.limit,
           .offset = op.cursor}
        .encode(memory);
    pieces[0] = {memory, Header::kBytes + (copied ? bytes : 0)};
    if (!post_send({pieces, static_cast<std::size_t>(count)}, *work)) return no_room(waiting);
    if (!copied) {
      work->sga = op.sga;
      arena.pin(op.sga);
    }
    if (end == op.limit) work->operation = &op;
    peer_credits_ += std::exchange(owed_, 0);
    --send_credits_;
    op.cursor = end;
  }
  return true;
}

bool Connection::send_control(Kind kind) {
  Work* const work = endpoint_ ? begin_send() : nullptr;
  if (work == nullptr) return false;
  std::uint8_t* const memory = context_.buffers.send(work->buffer);
  Header{.kind = kind, .credits = static_cast<std::uint16_t>(owed_)}.encode(memory);
  const iovec piece{memory, Header::kBytes};
  if (!post_send({&piece, 1}, *work)) return false;
  peer_credits_ += std::exchange(owed_, 0);
  if (kind == Kind::kCredit) {
    work->operation = this;
    ++credit_messages_;
  }
  return true;
}

// With whatever is sent next, unless the peer may be waiting for them: when it has used half of them, or all while the rest cannot be
// returned yet.
void Connection::return_credits() {
  const std::uint32_t enough = missing_ != 0 && peer_credits_ == 0 ? 1 : (context_.credits + 1u) / 2;
  if (!established_ || left_ || owed_ < enough) return;
  // A peer that does not take in what it is sent is sent no more of them: sent() goes on.
  if (credit_messages_ == kCreditMessages) return;
  if (send_control(Kind::kCredit)) {
    ++context_.counters.credit_messages;
  } else if (endpoint_) {
    context_.retries.soon(*this);
  }
}

void Connection::sent(Work& work) {
  context_.buffers.give_send(work.buffer);
  if (work.sga != 0) context_.runtime.arena().unpin(work.sga);
  const bool credits = work.operation == this;
  auto* const op = credits ? nullptr : static_cast<Op*>(work.operation);
  drop(work);
  context_.fabric.recycle(work);
  --sends_;
  --context_.sending;
  if (credits) {
    --credit_messages_;
    return_credits();
  }
  if (op != nullptr && events_ != nullptr) events_->pushed(*op);
  if (blocked_) [[unlikely]] {
    blocked_ = false;
    if (events_ != nullptr) events_->writable();
  }
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void Connection::received(Work& work, std::uint32_t bytes) {
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
  } else {
    post_again(buffer);
    if (header->kind == Kind::kEnd && !std::exchange(peer_ended_, true) && events_ != nullptr) events_->ended();
  }
  if (header->credits != 0 && events_ != nullptr) events_->writable();
}

bool Connection::accept_data(const Header& header, std::uint32_t buffer, std::uint32_t bytes) {
  int error = 0;
  if (header.message > context_.most_message) {
    error = -EMSGSIZE;
  } else if (header.offset != next_offset_ || (header.offset != 0 && header.message != message_) || peer_ended_ ||
             peer_credits_ == 0) {
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
  if (events_ != nullptr) events_->arrived();
  return true;
}

std::span<const std::uint8_t> Connection::front_bytes() const {
  return {context_.buffers.receive(front().buffer) + Header::kBytes, front().bytes};
}

Sga Connection::take_front() {
  const Fragment fragment = front();
  arrived_.pop_front();
  const Sga sga = context_.runtime.arena().adopt(fragment.buffer, Header::kBytes, fragment.bytes);
  ++missing_;
  post_missing();
  return sga;
}

void Connection::drop_front() {
  const Fragment fragment = front();
  arrived_.pop_front();
  if (!endpoint_) return context_.buffers.give_receive(fragment.buffer);
  if (post(fragment.buffer)) {
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

// ---- going ----------------------------------------------------------------------------------------------------------

void Connection::failed(int error) {
  ++context_.counters.errors;
  // Works of a connection that is closed come back cancelled, those that are posted before that is known as not connected.
  give_up(error == -ECANCELED || error == -ENOTCONN ? -ECONNRESET : error);
}

void Connection::give_up(int error) {
  if (!endpoint_) return;
  error_ = error;
  close_endpoint();
  if (events_ != nullptr) events_->lost(error);
}

void Connection::attach(ConnectionEvents& events) {
  events_ = &events;
  if (peer_ended_) events.ended();
  if (!endpoint_) events.lost(error_);
}

void Connection::leave(std::unique_ptr<Connection> self, std::chrono::milliseconds within) {
  Connection& connection = *self;
  Context& context = connection.context_;
  connection.events_ = nullptr;
  connection.left_ = true;
  for (Work* work : connection.works_) work->operation = nullptr;
  for (const Fragment& fragment : std::exchange(connection.arrived_, {})) connection.post_again(fragment.buffer);
  connection.deadline_ = Clock::now() + within;
  const bool say = connection.established_ && within.count() != 0;
  if (say) {
    connection.say_end();
  } else {
    connection.close_endpoint();
  }
  context.leaving.push_back(std::move(self));
}

void Connection::say_end() {
  if (!endpoint_ || end_said_) return;
  end_said_ = send_control(Kind::kEnd);
  if (!end_said_) context_.retries.soon(*this);
}

bool Connection::gone() const {
  return !endpoint_ || (end_said_ && sends_ == 0 && peer_ended_) || Clock::now() >= deadline_;
}

}  // namespace demi::rdma
