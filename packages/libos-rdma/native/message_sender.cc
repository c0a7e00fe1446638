#include "message_sender.hpp"

namespace demi::rdma {

bool MessageSender::try_push(Connection& connection, Sga sga) {
  if (shut_ || !pushes_.empty() || !sending_.empty() || error_ != 0) return false;
  Arena& arena = context_.runtime.arena();
  if (!connection.send_whole(arena.bytes_of(sga))) return false;
  arena.free(sga);
  return true;
}

bool MessageSender::push(Op& op) {
  const auto refuse = [&](int error) {
    context_.runtime.complete(op, error);
    return false;
  };
  if (error_ != 0) return refuse(error_);
  if (shut_) return refuse(-EPIPE);
  if (pushes_.size() + sending_.size() >= kMaxPushes) return refuse(-EAGAIN);
  pushes_.push_back(op);
  return true;
}

bool MessageSender::cancel(Op& op) {
  // What went out cannot be taken back, and a message with a hole would be worthless.
  if (op.started || op.cursor != 0) return false;
  pushes_.remove(op);
  return true;
}

void MessageSender::start(Connection& connection) {
  while (!pushes_.empty() && error_ == 0) {
    Op& op = *pushes_.front();
    if (op.limit > connection.peer().most_message) {
      // In order: those before it first.
      if (!sending_.empty()) return;
      pushes_.remove(op);
      context_.runtime.complete(op, -EMSGSIZE);
      continue;
    }
    Connection::Message message{.sga = op.sga, .bytes = op.limit, .taken = op.cursor};
    const Connection::Sent sent = connection.send(message, waiting_);
    op.cursor = message.taken;
    if (sent == Connection::Sent::kLater) return;
    pushes_.remove(op);
    if (sent == Connection::Sent::kDone) {
      context_.runtime.complete(op, static_cast<std::int32_t>(op.limit));
    } else {
      op.started = true;
      sending_.push_back(op);
    }
  }
  send_shut(connection);
}

void MessageSender::on_message_sent(Connection& connection) {
  Op& op = *sending_.pop_front();
  context_.runtime.complete(op, static_cast<std::int32_t>(op.limit));
  if (!pushes_.empty()) start(connection);
}

void MessageSender::send_shut(Connection& connection) {
  if (!shut_ || end_sent_ || !pushes_.empty() || error_ != 0) return;
  end_sent_ = connection.send_shut(waiting_);
}

void MessageSender::end() {
  if (error_ == 0) error_ = -EPIPE;
  context_.runtime.fail_all(pushes_, error_);
}

void MessageSender::lose(int error) {
  if (error_ == 0) error_ = error;
  context_.runtime.fail_all(sending_, error);
  context_.runtime.fail_all(pushes_, error_);
}

void MessageSender::start_over(int error) {
  shut_ = false;
  context_.runtime.fail_all(pushes_, error);
}

void MessageSender::close() {
  context_.runtime.fail_all(sending_, -ECANCELED);
  context_.runtime.fail_all(pushes_, -ECANCELED);
}

}  // namespace demi::rdma
