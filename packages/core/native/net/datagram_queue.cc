#include "demi/net/datagram_queue.hpp"

#include "demi/net/dmtr_codec.hpp"

namespace demi::net {

DatagramQueue::DatagramQueue(Runtime& runtime, const SocketRequest& request, std::size_t most_waiting)
    : Queue(runtime), request_(request), most_waiting_(most_waiting) {}

DatagramQueue::~DatagramQueue() { drop_inbox(); }

bool DatagramQueue::cancel(Op& op) {
  if (!op.linked) return false;
  (op.code == layout::kOpPush ? pushes_ : pops_).remove(op);
  return true;
}

void DatagramQueue::end_all() {
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  drop_inbox();
}

// ---- sending --------------------------------------------------------------------------------------------------------

void DatagramQueue::push(Op& op) {
  if (pushes_.size() >= kMaxPushes) return runtime_.complete(op, -EAGAIN);
  if (pushes_.empty()) {
    const int error = send_op(op);
    if (error != -EAGAIN) return complete_push(op, error);
  }
  pushes_.push_back(op);
  if (pushes_.size() > 1) return;
  if (const int error = await_send(); error != 0) {
    pushes_.remove(op);
    runtime_.complete(op, error);
  }
}

bool DatagramQueue::resume_send() {
  while (Op* op = pushes_.front()) {
    const int error = send_op(*op);
    if (error == -EAGAIN) return false;
    pushes_.remove(*op);
    complete_push(*op, error);
  }
  return true;
}

int DatagramQueue::send_op(const Op& op) {
  if ((op.flags & layout::kFlagTo) == 0) return send_now(op.sga, Address{});
  const Address to = runtime_.arena().address(op.sga);
  if (to.family != request_.family) return to.family == 0 ? -EDESTADDRREQ : -EAFNOSUPPORT;
  return send_now(op.sga, to);
}

int DatagramQueue::send_now(Sga sga, const Address& to) {
  const Arena& arena = runtime_.arena();
  iovec iov[dmtr::kMaxIovecs];
  dmtr::FramingBytes framing;
  const int n = request_.framing == Framing::kDmtr ? dmtr::encode(arena, sga, 0, framing, iov)
                                                   : arena.gather(sga, 0, iov, layout::kMaxSegments);
  return send({iov, static_cast<std::size_t>(n)}, to);
}

void DatagramQueue::complete_push(Op& op, int error) {
  runtime_.complete(op, error != 0 ? error : static_cast<std::int32_t>(op.limit));
}

// ---- receiving ------------------------------------------------------------------------------------------------------

Sga DatagramQueue::try_pop() { return inbox_.empty() ? 0 : inbox_.pop(); }

void DatagramQueue::pop(Op& op) {
  if (!inbox_.empty()) {
    if (answer(op, inbox_.front())) inbox_.pop();
    return;
  }
  pops_.push_back(op);
  start_receive();
}

int DatagramQueue::received(Sga datagram) {
  Arena& arena = runtime_.arena();
  if (request_.framing == Framing::kDmtr) {
    const Address from = arena.address(datagram);
    Sga message = 0;
    const std::int32_t result = dmtr::adopt_datagram(arena, datagram, request_.max_message, message);
    if (result < 0) return result;
    arena.set_address(message, from);
    datagram = message;
  }
  while (!pops_.empty()) {
    if (answer(*pops_.pop_front(), datagram)) return 0;
  }
  inbox_.push(datagram);
  return 0;
}

bool DatagramQueue::answer(Op& op, Sga datagram) {
  const std::uint32_t length = runtime_.arena().total(datagram);
  // Too long for this pop: it stays for the next.
  const bool fits = op.limit == 0 || length <= op.limit;
  runtime_.complete(op, fits ? static_cast<std::int32_t>(length) : -EMSGSIZE, fits ? datagram : 0);
  return fits;
}

void DatagramQueue::fail_pop(int error) { runtime_.complete(*pops_.pop_front(), error); }

void DatagramQueue::connected(const Address& peer) {
  peer_ = peer;
  Arena& arena = runtime_.arena();
  for (std::size_t n = inbox_.size(); n != 0; --n) {
    const Sga datagram = inbox_.pop();
    if (stranger(arena.address(datagram))) {
      arena.free(datagram);
    } else {
      inbox_.push(datagram);
    }
  }
}

void DatagramQueue::drop_inbox() {
  while (!inbox_.empty()) runtime_.arena().free(inbox_.pop());
}

}  // namespace demi::net
