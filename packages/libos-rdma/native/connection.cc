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
  if (!room()) return -ENOBUFS;
  endpoint_ = context_.fabric.endpoint(from, to, *this, error);
  if (!endpoint_) return error;
  claim();
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
  if (!room()) return reject(Refusal::kMemory, -ENOBUFS);
  peer_ = *handshake;
  send_credits_ = peer_.credits;
  events_ = &events;
  deadline_ = Clock::now() + kConnecting;
  int error = 0;
  endpoint_ = request.take(*this, error);
  if (!endpoint_) return reject(Refusal::kMemory, error);
  claim();
  error = post_all();
  if (error == 0) error = endpoint_->accept(own().encode());
  if (error != 0) close_endpoint();
  return error;
}

// Memory for its receives, and entries in the completion queue for all of them at once.
bool Connection::room() const {
  const std::uint32_t receives = context_.credits + kSpare;
  return context_.buffers.receives_free() >= receives && context_.claimed + receives <= context_.most_claimed;
}

void Connection::claim() {
  context_.pending.push_back(this);
  context_.claimed += context_.credits + kSpare;
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

void Connection::on_connected(std::span<const std::uint8_t> data) {
  if (established_) return;
  if (peer_.buffer == 0) {
    const auto handshake = Handshake::decode(data);
    if (!handshake) return give_up(-EPROTO);
    peer_ = *handshake;
    send_credits_ = peer_.credits;
  }
  established_ = true;
  settled();
  if (events_ != nullptr) events_->on_established();
}

void Connection::settled() { std::erase(context_.pending, this); }

// A peer that has no room just now refuses as one that does not listen.
void Connection::on_refused(int error, std::span<const std::uint8_t> data) {
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
  context_.claimed -= context_.credits + kSpare;
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
  const Sga sga = context_.runtime.arena().adopt(fragment.buffer, Header::kBytes, fragment.bytes);
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

// ---- going ----------------------------------------------------------------------------------------------------------

void Connection::on_failed(int error) {
  ++context_.counters.errors[-error];
  // Works of a connection that is closed come back cancelled, those that are posted before that is known as not connected.
  give_up(error == -ECANCELED || error == -ENOTCONN ? -ECONNRESET : error);
}

void Connection::give_up(int error) {
  if (!endpoint_) return;
  error_ = error;
  close_endpoint();
  if (events_ != nullptr) events_->on_lost(error);
}

void Connection::attach(ConnectionEvents& events) {
  events_ = &events;
  if (peer_shut_) events.on_shut();
  if (peer_ended_) events.on_ended();
  if (!endpoint_) events.on_lost(error_);
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
