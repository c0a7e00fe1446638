#include "demi/net/accept_queue.hpp"

namespace demi::net {

namespace {

// The connection failed before it was accepted; accept(2) reports that on the listener. The next one may be fine.
bool connection_lost(int error) {
  switch (-error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

void AcceptQueue::accept(Op& op) {
  accepts_.push_back(op);
  arrived();
}

bool AcceptQueue::cancel(Op& op) {
  if (!op.linked) return false;
  accepts_.remove(op);
  return true;
}

void AcceptQueue::end_accepts() {
  unlink();
  runtime_.fail_all(accepts_, -ECANCELED);
}

void AcceptQueue::arrived() {
  if (!linked()) retry();
}

void AcceptQueue::retry() {
  for (int turn = 0; !accepts_.empty() && available(); ++turn) {
    if (turn == kTurn) return retries_.soon(*this);
    Qd qd = 0;
    const int error = accept_one(qd);
    if (error == -EAGAIN) return;
    if (descriptor_shortage(error)) return pause();
    if (!connection_lost(error)) runtime_.complete(*accepts_.pop_front(), error, qd);
  }
}

int AcceptQueue::accept_one(Qd& qd) {
  std::unique_ptr<Queue> made = socket();
  Queue& accepted = *made;
  qd = runtime_.adopt(std::move(made));
  if (qd < 0) {
    qd = 0;
    return -EMFILE;
  }
  const int error = take(accepted);
  if (error != 0) runtime_.close(std::exchange(qd, 0));
  return error;
}

}  // namespace demi::net
