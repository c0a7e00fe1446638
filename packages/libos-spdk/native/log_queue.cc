#include "log_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "spdk_engine.hpp"

namespace demi::spdk {

LogQueue::LogQueue(Runtime& runtime, SpdkEngine& engine, LogStore& store, Log& log, Access access)
    : Queue(runtime), engine_(engine), store_(store), log_(log), access_(access), reader_(store, log, *this) {
  ++log_.users;
  reader_.seek(log_.start);
}

LogQueue::~LogQueue() { --log_.users; }

// ---- push -----------------------------------------------------------------------------------------------------------

void LogQueue::push(Op& op) {
  if (!access_.appends) return runtime_.complete(op, -EBADF);
  if (op.limit > format::kMostRecord) return runtime_.complete(op, -EMSGSIZE);
  if (pushes_.size() == kMostPending) return runtime_.complete(op, -EAGAIN);
  Push& push = *take_push();
  push.op = &op;
  push.sga = op.sga;
  push.append.result = 0;
  push.append.count = runtime_.arena().gather(op.sga, 0, push.append.pieces.data(), Append::kMostPieces);
  push.append.length = op.limit;
  push.append.owner = &push;
  push.append.done = [](Append& ended) {
    auto& one = *static_cast<Push*>(ended.owner);
    one.queue->on_appended(one);
  };
  pushes_.push_back(op);
  ++outstanding_;
  store_.append(log_, push.append);
}

void LogQueue::on_appended(Push& push) {
  --outstanding_;
  free_.push_back(&push);
  if (closed_) {
    runtime_.arena().unpin(push.sga);
    return;
  }
  Op& op = *push.op;
  pushes_.remove(op);
  runtime_.complete(op, push.append.result == 0 ? static_cast<std::int32_t>(op.limit) : push.append.result);
}

LogQueue::Push* LogQueue::take_push() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Push>());
    all_.back()->queue = this;
    return all_.back().get();
  }
  Push* const push = free_.back();
  free_.pop_back();
  return push;
}

// ---- pop ------------------------------------------------------------------------------------------------------------

void LogQueue::pop(Op& op) {
  if (!access_.reads) return runtime_.complete(op, -EBADF);
  pops_.push_back(op);
  read_next();
}

void LogQueue::read_next() {
  while (!closed_ && !starved_ && !reader_.busy() && !pops_.empty()) reader_.read();
}

// Memory for the record that comes. Without any the pop waits, as pops do.
int LogQueue::room(std::uint32_t length, iovec* pieces, int& count) {
  if (record_ != 0) runtime_.arena().free(std::exchange(record_, 0));
  if (closed_) return -ECANCELED;
  const Op* const op = pops_.front();
  if (op->limit != 0 && length > op->limit) return -EMSGSIZE;
  // No waiting would help.
  if (length > std::uint64_t{layout::kMaxSegments} * runtime_.arena().largest()) return -EMSGSIZE;
  record_ = alloc_record(length);
  if (record_ == 0) return -ENOBUFS;
  count = runtime_.arena().gather(record_, 0, pieces, Append::kMostPieces);
  return 0;
}

// 0: there is none now.
Sga LogQueue::alloc_record(std::uint32_t length) {
  Arena& arena = runtime_.arena();
  if (length <= arena.largest()) return arena.alloc(length);
  std::array<std::uint32_t, layout::kMaxSegments> sizes;
  std::size_t n = 0;
  for (std::uint32_t left = length; left != 0 && n < sizes.size(); left -= sizes[n - 1]) {
    sizes[n] = std::min(left, arena.largest());
    ++n;
  }
  return arena.alloc_chain({sizes.data(), n});
}

void LogQueue::on_read(std::int32_t result) {
  const Sga record = std::exchange(record_, 0);
  if (closed_) {
    if (record != 0) runtime_.arena().free(record);
    return;
  }
  if (result == -ENOBUFS) {
    if (!starved_) engine_.retry_later(*this);
    starved_ = true;
    return;
  }
  Op& op = *pops_.pop_front();
  if (result <= 0) {
    if (record != 0) runtime_.arena().free(record);
    runtime_.complete(op, result);
  } else {
    runtime_.complete(op, result, record);
  }
  read_next();
}

void LogQueue::retry() {
  starved_ = false;
  read_next();
}

// ---- the rest -------------------------------------------------------------------------------------------------------

bool LogQueue::cancel(Op& op) {
  if (op.code == layout::kOpPush) {
    for (const auto& push : all_) {
      if (push->op != &op || push->append.owner == nullptr) continue;
      if (!store_.cancel(log_, push->append)) return false;
      push->op = nullptr;
      --outstanding_;
      free_.push_back(push.get());
      pushes_.remove(op);
      return true;
    }
    return false;
  }
  // What is being read for it would be lost.
  if (pops_.front() == &op && reader_.busy()) return false;
  pops_.remove(op);
  return true;
}

void LogQueue::close(std::unique_ptr<Queue> self) {
  closed_ = true;
  if (starved_) engine_.forget(*this);
  for (const auto& push : all_) {
    if (push->op == nullptr || !push->op->linked) continue;
    if (store_.cancel(log_, push->append)) {
      --outstanding_;
    } else {
      // The device still reads it: it is nobody's until it has ended.
      runtime_.arena().pin(push->sga);
    }
  }
  runtime_.fail_all(pushes_, -ECANCELED);
  runtime_.fail_all(pops_, -ECANCELED);
  if (busy()) engine_.keep(std::move(self));
}

int LogQueue::seek(std::int64_t offset, int whence, std::int64_t& position) {
  if (!pops_.empty() || reader_.busy()) return -EBUSY;
  std::int64_t from = 0;
  if (whence == SEEK_CUR) {
    from = static_cast<std::int64_t>(reader_.cursor());
  } else if (whence == SEEK_END) {
    from = static_cast<std::int64_t>(log_.end);
  } else if (whence != SEEK_SET) {
    return -EINVAL;
  }
  if (offset > 0 && from > std::numeric_limits<std::int64_t>::max() - offset) return -EOVERFLOW;
  const std::int64_t to = from + offset;
  if (to < 0 || to > static_cast<std::int64_t>(log_.end)) return -EINVAL;
  // What was given back is not there: the first record that is comes next.
  const auto wanted = std::max<std::uint64_t>(static_cast<std::uint64_t>(to), log_.start);
  if (whence != SEEK_CUR || offset != 0) reader_.seek(wanted);
  position = static_cast<std::int64_t>(wanted);
  return 0;
}

int LogQueue::truncate(std::int64_t position) {
  if (!access_.appends || position < 0) return -EINVAL;
  if (!pops_.empty() || !pushes_.empty()) return -EBUSY;
  return store_.truncate(log_, static_cast<std::uint64_t>(position));
}

}  // namespace demi::spdk
