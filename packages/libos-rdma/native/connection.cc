#include "connection.hpp"

#include <algorithm>
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

Work* Connection::keep(Work::Kind kind, std::uint32_t buffer) {
  Work* const work = context_.fabric.work();
  if (work == nullptr) return nullptr;
  work->owner = this;
  work->kind = kind;
  work->buffer = buffer;
  work->sga = 0;
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

void Connection::close_endpoint() {
  if (!endpoint_) return;
  endpoint_.reset();
  context_.claimed -= context_.credits + kSpare;
  settled();
  unlink();
  for (Work* work : works_) {
    if (work->is_send()) {
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
