#include "demi/runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace demi {

// ---- construction -------------------------------------------------------------------------------------------------

std::size_t Runtime::control_words(const Limits& limits) {
  return static_cast<std::size_t>(layout::kControlWords) + 2ull * limits.ring_entries * layout::kEntryWords +
         limits.tokens + layout::kScratchWords + static_cast<std::size_t>(limits.slots()) * layout::kSlotWords +
         layout::kSlotWords + (static_cast<std::size_t>(limits.tokens) + 1) * layout::kTokenWords;
}

Runtime::Runtime(const Limits& limits, std::shared_ptr<Mapping> memory)
    : limits_(limits),
      mapping_(std::make_shared<Mapping>(control_words(limits) * sizeof(std::int32_t))),
      control_(static_cast<std::int32_t*>(mapping_->data())),
      sq_(control_ + layout::kControlWords),
      returned_(sq_ + 2 * static_cast<std::size_t>(limits.ring_entries) * layout::kEntryWords),
      scratch_(returned_ + limits.tokens),
      completions_(control_, sq_ + static_cast<std::size_t>(limits.ring_entries) * layout::kEntryWords,
                   limits.ring_entries, limits.tokens),
      engines_(completions_),
      // The slot table starts on a cache line: 16 words each.
      arena_(limits_, control_ + ((returned_ - control_ + limits.tokens + layout::kScratchWords + 15) & ~15),
             std::move(memory)),
      ops_(limits.tokens),
      queues_(limits.queues) {
  using namespace layout;
  control_[kWordMagic] = kMagic;
  control_[kWordVersion] = kVersion;
  control_[kWordSqEntries] = control_[kWordCqEntries] = static_cast<std::int32_t>(limits.ring_entries);
  control_[kWordSqBase] = static_cast<std::int32_t>(sq_ - control_);
  control_[kWordCqBase] = control_[kWordSqBase] + static_cast<std::int32_t>(limits.ring_entries) * kEntryWords;
  control_[kWordTokens] = static_cast<std::int32_t>(limits.tokens);
  control_[kWordReturnedBase] = static_cast<std::int32_t>(returned_ - control_);
  control_[kWordScratchBase] = static_cast<std::int32_t>(scratch_ - control_);
  control_[kWordSlots] = static_cast<std::int32_t>(limits.slots());
  control_[kWordSlotBase] = static_cast<std::int32_t>((control_[kWordScratchBase] + kScratchWords + 15) & ~15);
  control_[kWordTokenBase] = control_[kWordSlotBase] + control_[kWordSlots] * kSlotWords;
  control_[kWordClasses] = static_cast<std::int32_t>(arena_.class_count());
  for (std::size_t i = 0; i < arena_.class_count(); ++i) {
    std::int32_t* c = control_ + kWordClassBase + i * kClassWords;
    c[kClassSize] = static_cast<std::int32_t>(arena_.size_class(i).size);
    c[kClassFirst] = static_cast<std::int32_t>(arena_.class_first(i));
    c[kClassCount] = static_cast<std::int32_t>(arena_.size_class(i).count);
  }
}

Runtime::~Runtime() {
  // Queues first: closing them completes their operations and tells the engines; then the engines, which may still hold queues that the
  // device reads from; memory last, and the devices behind it.
  queues_.for_each([this](Qd qd) { close(qd); });
  engines_.end();
}

// ---- the turn -------------------------------------------------------------------------------------------------------

std::int32_t Runtime::poll(std::uint32_t wait_us) {
  completions_.restart();
  submit();
  engines_.turn(wait_us);
  completions_.publish();
  return completions_.count();
}

void Runtime::submit() {
  const auto count = static_cast<std::uint32_t>(control_[layout::kWordSqTail]);
  control_[layout::kWordSqTail] = 0;
  if (count > limits_.ring_entries) [[unlikely]] {  // not written by core: what is in the ring is not trusted
    ++invalid_;
    return;
  }
  submitted_ += count;
  const std::int32_t* const end = sq_ + static_cast<std::size_t>(count) * layout::kEntryWords;
  for (const std::int32_t* entry = sq_; entry != end; entry += layout::kEntryWords) run_entry(entry);
}

// The short way first, for what can be done at once; everything else, errors included, goes the long way.
void Runtime::run_entry(const std::int32_t* entry) {
  using namespace layout;
  const std::int32_t code = entry[kSqeOp] & 0xff;
  const Qd qd = entry[kSqeQd];
  Queue* queue = queues_.find(qd);
  if (queue != nullptr) [[likely]] {
    const Qt qt = entry[kSqeQt];
    if (code == kOpPush) return run_push(entry, *queue);
    if (code == kOpPop && entry[kSqeArg] == 0 && ops_.vacant(qt)) {
      if (const Sga sga = queue->try_pop(); sga != 0) {
        const auto length = static_cast<std::int32_t>(arena_.total(sga));
        arena_.give_to_app(sga);
        ++completed_;
        return completions_.post(qt, tag_of(kOpPop, qd), length, sga);
      }
    }
  }
  start(entry, code, queue, -1);
}

void Runtime::run_push(const std::int32_t* entry, Queue& queue) {
  using namespace layout;
  const auto flags = static_cast<std::uint8_t>(entry[kSqeOp] >> 8);
  const Qt qt = entry[kSqeQt];
  const Sga sga = entry[kSqeArg];
  const bool quiet = (flags & kFlagQuiet) != 0;
  std::int32_t taken = -1;
  if ((flags & (kFlagFree | kFlagTo)) == kFlagFree && (quiet ? qt == 0 : ops_.vacant(qt)) && arena_.app_owns(sga))
      [[likely]] {
    taken = arena_.take_single(sga);
    if (taken > 0 && queue.try_push(sga, static_cast<std::uint32_t>(taken))) {
      ++completed_;
      if (!quiet) completions_.post(qt, tag_of(kOpPush, queue.qd()), taken, 0);
      return;
    }
  }
  start(entry, kOpPush, &queue, taken);
}

// The long way. `taken`: the length of a pushed sga that is the device side's already, else -1.
void Runtime::start(const std::int32_t* entry, std::int32_t code, Queue* queue, std::int32_t taken) {
  using namespace layout;
  const Qd qd = entry[kSqeQd];
  const Qt qt = entry[kSqeQt];
  const std::int32_t arg = entry[kSqeArg];
  const auto flags = static_cast<std::uint8_t>(entry[kSqeOp] >> 8);
  if (code == kOpFree) {
    if (arena_.app_owns(arg)) {
      arena_.free(arg);
    } else {
      ++invalid_;
    }
    return;
  }
  const bool quiet = code == kOpPush && (flags & kFlagQuiet) != 0;
  if (quiet ? qt != 0 : !ops_.vacant(qt)) [[unlikely]]
    return reject(qt, qd, -EINVAL);
  Op* op = quiet ? ops_.start_quiet() : ops_.start(qt);
  if (op == nullptr) [[unlikely]] {
    // Too many quiet pushes are outstanding: as every push, it fails with its sga freed if it was given away.
    if (taken >= 0 || ((flags & kFlagFree) && arena_.app_owns(arg))) arena_.free(arg);
    return completions_.post(0, tag_of(kOpPush, qd), -EAGAIN, 0);
  }
  op->begin(static_cast<std::uint8_t>(code), flags, qd);
  if (code == kOpPush) return start_push(*op, arg, queue, taken);
  if (code != kOpPop && code != kOpAccept) [[unlikely]] {
    ++invalid_;
    return complete(*op, -EINVAL);
  }
  if (queue == nullptr) [[unlikely]]
    return complete(*op, -EBADF);
  if (code == kOpAccept) return queue->accept(*op);
  if (arg < 0) [[unlikely]]
    return complete(*op, -EINVAL);
  op->limit = static_cast<std::uint32_t>(arg);
  queue->pop(*op);
}

void Runtime::start_push(Op& op, Sga sga, Queue* queue, std::int32_t taken) {
  std::int32_t total = taken;
  if (total < 0) {
    if (!arena_.app_owns(sga)) [[unlikely]]
      return complete(op, -EINVAL);
    total = arena_.take_ranges(sga);
    // Given away: the operation owns it. Lent: the application may free it, but not before the operation ends.
    if (op.flags & layout::kFlagFree) {
      arena_.take_from_app(sga);
    } else {
      arena_.pin(sga);
    }
  }
  op.sga = sga;
  if (total <= 0) [[unlikely]]
    return complete(op, total == 0 ? -ENOMSG : total);
  if (queue == nullptr) [[unlikely]]
    return complete(op, -EBADF);
  op.limit = static_cast<std::uint32_t>(total);
  queue->push(op);
}

// ---- completion -----------------------------------------------------------------------------------------------------

// Of quiet pushes, failures are told; of dropped operations nothing, and what they brought is given back.
void Runtime::complete_unheard(Op& op, std::int32_t result, std::int32_t value) {
  const Qt qt = op.qt;
  const std::int32_t tag = tag_of(op.code, op.qd);
  const bool pop = op.code == layout::kOpPop;
  ops_.finish(op);
  ++completed_;
  if (qt == OpTable::kNoToken) {
    completions_.post(0, tag, result, 0);
    return;
  }
  if (value != 0) {
    if (pop) {
      arena_.free(value);
    } else {
      close(value);
    }
  }
  std::int32_t& count = control_[layout::kWordReturnedCount];
  if (count >= 0 && count < static_cast<std::int32_t>(limits_.tokens)) returned_[count++] = qt;
}

void Runtime::reject(Qt qt, Qd qd, int error) {
  ++invalid_;
  completions_.post(qt, tag_of(layout::kOpPush, qd), error, 0);
}

Sga Runtime::take(Op& op) {
  const Sga sga = op.sga;
  if ((op.flags & layout::kFlagFree) && !arena_.pinned(sga)) {
    op.sga = 0;
    return sga;
  }
  return arena_.copy(sga);
}

// ---- control --------------------------------------------------------------------------------------------------------

int Runtime::connect(Qd qd, Qt qt, const Address& to) {
  Queue* queue = queues_.find(qd);
  if (queue == nullptr) return -EBADF;
  Op* op = ops_.start(qt);
  if (op == nullptr) return -EINVAL;
  ++submitted_;
  op->begin(static_cast<std::uint8_t>(layout::kOpConnect), 0, qd);
  queue->connect(*op, to);
  return 0;
}

int Runtime::close(Qd qd) {
  std::unique_ptr<Queue> queue = queues_.remove(qd);
  if (!queue) return -EBADF;
  Queue& q = *queue;
  q.close(std::move(queue));
  return 0;
}

int Runtime::cancel(Qt qt) {
  Op* op = ops_.find(qt);
  if (op == nullptr) return -ENOENT;
  Queue* queue = queues_.find(op->qd);
  if (queue == nullptr || !queue->cancel(*op)) return 0;
  complete(*op, -ECANCELED);
  return 1;
}

int Runtime::drop(Qt qt) {
  Op* op = ops_.find(qt);
  if (op == nullptr) return -ENOENT;
  op->dropped = true;
  cancel(qt);
  return 0;
}

std::uint32_t Runtime::refill(std::uint32_t size_class, std::uint32_t want) {
  if (size_class >= arena_.class_count()) return 0;
  const std::uint32_t free = arena_.free_slots(size_class);
  const std::uint32_t fair = std::max<std::uint32_t>(1, free / 8);
  const std::uint32_t n = std::min({want, free, fair, static_cast<std::uint32_t>(layout::kScratchWords)});
  for (std::uint32_t i = 0; i < n; ++i) {
    const Sga sga = arena_.alloc_class(size_class);
    arena_.give_to_app(sga);
    scratch_[i] = sga;
  }
  return n;
}

Sga Runtime::alloc_chain(std::span<const std::uint32_t> sizes) {
  const Sga sga = arena_.alloc_chain(sizes);
  if (sga != 0) arena_.give_to_app(sga);
  return sga;
}

void Runtime::stats(const StatSink& sink) const {
  sink("submitted", static_cast<double>(submitted_));
  sink("completed", static_cast<double>(completed_));
  sink("outstanding", ops_.in_use());
  sink("queues", queues_.size());
  sink("appSlots", arena_.app_slots());
  sink("deviceSlots", arena_.device_slots());
  sink("invalidEntries", static_cast<double>(invalid_));
  sink("lostCompletions", static_cast<double>(completions_.lost()));
  sink("completionBacklog", static_cast<double>(completions_.backlog()));
}

// ---- what a queue that cannot do something answers ----------------------------------------------------------------------

void Queue::push(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
void Queue::pop(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
void Queue::accept(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
void Queue::connect(Op& op, const Address&) { runtime_.complete(op, -EOPNOTSUPP); }

}  // namespace demi
