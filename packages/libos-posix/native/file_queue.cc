#include "file_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace demi {

FileQueue::FileQueue(Runtime& runtime, FileWorker& worker, int fd, bool append)
    : Queue(runtime), worker_(worker), append_(append) {
  job_.fd = fd;
  job_.queue = this;
}

FileQueue::~FileQueue() {
  ::close(job_.fd);
  worker_.file_closed();
}

void FileQueue::enqueue(Op& op) {
  pending_.push_back(op);
  start();
}

bool FileQueue::cancel(Op& op) {
  if (!op.linked || op.started) return false;
  pending_.remove(op);
  return true;
}

void FileQueue::close(std::unique_ptr<Queue> self) {
  closed_ = true;
  if (waiting_) worker_.forget(*this);
  if (active_ != 0) {
    // The worker still reads this memory (or fills slot_, which is ours): keep it from being reused until finish().
    Op* op = pending_.front();
    for (std::uint32_t i = 0; i < active_; ++i, op = op->next) {
      if (op->sga == 0) continue;
      runtime_.arena().pin(op->sga);
      held_.push_back(op->sga);
    }
    worker_.keep(std::move(self));
  }
  runtime_.fail_all(pending_, -ECANCELED);
}

int FileQueue::seek(std::int64_t offset, int whence, std::int64_t& position) {
  if (!pending_.empty()) return -EBUSY;
  std::int64_t from = 0;
  if (whence == SEEK_CUR) {
    from = cursor_;
  } else if (whence == SEEK_END) {
    from = ::lseek(job_.fd, 0, SEEK_END);
    if (from < 0) return -errno;
  } else if (whence != SEEK_SET) {
    return -EINVAL;
  }
  if (offset > 0 && from > std::numeric_limits<std::int64_t>::max() - offset) return -EOVERFLOW;
  if (from + offset < 0) return -EINVAL;
  position = cursor_ = from + offset;
  return 0;
}

int FileQueue::truncate(std::int64_t length) {
  if (!pending_.empty()) return -EBUSY;
  if (length < 0) return -EINVAL;
  int result;
  do {
    result = ::ftruncate(job_.fd, length);
  } while (result != 0 && errno == EINTR);
  return result != 0 ? -errno : 0;
}

void FileQueue::start() {
  waiting_ = false;
  while (!closed_ && active_ == 0 && !pending_.empty()) {
    Op& op = *pending_.front();
    if (const int error = worker_.ready(); error == -EAGAIN) {
      return wait_for_worker();
    } else if (error != 0) {
      pending_.remove(op);
      runtime_.complete(op, error);
      continue;
    }
    if (op.code == layout::kOpPop) {
      if (!prepare_read(op)) return wait_for_worker();
      op.started = true;
      active_ = 1;
    } else {
      prepare_write(op);
    }
    worker_.submit(job_);
  }
}

void FileQueue::wait_for_worker() {
  if (waiting_) return;
  waiting_ = true;
  worker_.retry_later(*this);
}

bool FileQueue::prepare_read(const Op& op) {
  Arena& arena = runtime_.arena();
  const std::uint32_t want = std::min(op.limit != 0 ? op.limit : kReadBytes, arena.largest());
  slot_ = arena.alloc(want);
  if (slot_ == 0) slot_ = arena.alloc(std::min(want, kSmallReadBytes));
  if (slot_ == 0) slot_ = arena.alloc(1);
  if (slot_ == 0) return false;
  job_.kind = FileJob::Kind::kRead;
  job_.offset = cursor_;
  job_.iov[0] = {arena.slot_start(slot_), std::min(want, arena.slot_capacity(slot_))};
  job_.iovecs = 1;
  return true;
}

void FileQueue::prepare_write(Op& first) {
  job_.kind = append_ ? FileJob::Kind::kAppend : FileJob::Kind::kWrite;
  job_.offset = cursor_;
  job_.iovecs = 0;
  std::uint64_t bytes = 0;
  for (Op* op = &first; op != nullptr && op->code == layout::kOpPush; op = op->next) {
    const int room = FileJob::kMaxIovecs - job_.iovecs;
    if (active_ != 0 && (room < layout::kMaxSegments || bytes + op->limit > kBatchBytes)) break;
    job_.iovecs += runtime_.arena().gather(op->sga, 0, job_.iov.data() + job_.iovecs, room);
    bytes += op->limit;
    op->started = true;
    ++active_;
  }
}

void FileQueue::finish() {
  if (closed_) {
    for (const Sga sga : held_) runtime_.arena().unpin(sga);
    held_.clear();
    if (slot_ != 0) runtime_.arena().free(slot_);
    slot_ = 0;
    return;
  }
  if (job_.kind == FileJob::Kind::kRead) {
    finish_read(*pending_.front());
  } else {
    finish_write();
  }
  start();
}

void FileQueue::finish_read(Op& op) {
  pending_.remove(op);
  active_ = 0;
  const Sga slot = slot_;
  slot_ = 0;
  if (job_.done > 0) {
    cursor_ += job_.done;
    runtime_.arena().set_range(slot, 0, static_cast<std::uint32_t>(job_.done));
    return runtime_.complete(op, static_cast<std::int32_t>(job_.done), slot);
  }
  runtime_.arena().free(slot);
  runtime_.complete(op, job_.error);
}

void FileQueue::finish_write() {
  std::int64_t left = job_.done;
  bool failed = false;
  for (; active_ != 0 && !failed; --active_) {
    Op& op = *pending_.pop_front();
    if (left >= op.limit) {
      left -= op.limit;
      if (!append_) cursor_ += op.limit;
      runtime_.complete(op, static_cast<std::int32_t>(op.limit));
    } else {
      failed = true;
      runtime_.complete(op, job_.error);
    }
  }
  if (append_ && job_.done > 0) cursor_ = job_.end;
  // Those behind the one that failed were not begun: they try for themselves.
  Op* op = pending_.front();
  for (; active_ != 0; --active_, op = op->next) op->started = false;
}

}  // namespace demi
