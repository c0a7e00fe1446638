// The queue runtime every addon is built around: rings, descriptors, tokens and memory of one libOS.
//
// Data flows one way. JavaScript writes submission entries -> submit() checks each and hands it to its Queue -> the queue or
// the engine completes it -> complete() writes a completion entry -> JavaScript reads it. One poll() does all of it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "demi/arena.hpp"
#include "demi/descriptor_table.hpp"
#include "demi/layout.hpp"
#include "demi/mapping.hpp"
#include "demi/op.hpp"
#include "demi/page_array.hpp"
#include "demi/queue.hpp"

namespace demi {

struct Limits {
  std::uint32_t ring_entries = 4096;  // of each ring, a power of two
  std::uint32_t tokens = 32768;       // outstanding operations
  std::uint32_t queues = 16384;       // open descriptors
  std::vector<SizeClass> classes = {{256, 8192}, {4096, 8192}, {65536, 256}, {1u << 20, 16}};
  // What a backend may add before the runtime is made: slots its device fills, and memory the device can reach.
  DeviceSlots device;
  MemorySource memory;

  std::uint32_t slots() const { return Arena::slots_of(classes) + device.count; }
};

class Runtime {
 public:
  explicit Runtime(const Limits& limits);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // ---- for queues and engines ------------------------------------------------------------------------------------

  Arena& arena() { return arena_; }

  // Ends an operation: `result` is bytes or 0, or a negative errno; `value` the popped sga (device-owned until now) or the
  // accepted descriptor. `op` must be off every list; it is invalid afterwards.
  void complete(Op& op, std::int32_t result, std::int32_t value = 0);

  // Gives a queue a descriptor: positive, or -EMFILE when the table is full.
  Qd adopt(std::unique_ptr<Queue> queue) { return queues_.insert(std::move(queue)); }

  // For a push: the sga as the queue's own, to hand to somebody else. Moves it when the application gave it away
  // (kFlagFree) and nobody else reads it; copies it otherwise. 0 when memory is short.
  Sga take(Op& op);

  // Completes every operation of a list with the same error, oldest first.
  void fail_all(OpList& list, int error) {
    while (Op* op = list.pop_front()) complete(*op, error);
  }

  bool completions_waiting() const { return cq_tail_ != control_[layout::kWordCqHead]; }

  // ---- for the Node-API glue (and native tests) ---------------------------------------------------------------------

  void set_engine(std::unique_ptr<Engine> engine) { engine_ = std::move(engine); }
  Engine* engine() { return engine_.get(); }
  std::int32_t* control() { return control_; }
  const std::shared_ptr<Mapping>& control_mapping() const { return mapping_; }

  // Consumes the submission ring, drives the engine, fills the completion ring. Returns the entries waiting in it.
  std::int32_t poll(std::uint32_t wait_us);
  // Consumes the submission ring only.
  void submit();

  int connect(Qd qd, Qt qt, const Address& to);
  int close(Qd qd);
  // 1: completed with ECANCELED; 0: too late, it completes by itself; -ENOENT: no such operation.
  int cancel(Qt qt);
  // Like cancel, but no completion follows; buffers come back when the device lets go. 0 or -ENOENT.
  int drop(Qt qt);
  Queue* find(Qd qd) { return queues_.find(qd); }

  // Hands up to `want` slots of a size class to the application, their handles in the scratch words. Never more than an
  // eighth of what is free (but one), so that a small arena keeps memory for the device.
  std::uint32_t refill(std::uint32_t size_class, std::uint32_t want);
  // A chain owned by the application; 0 when memory is short.
  Sga alloc_chain(std::span<const std::uint32_t> sizes);

  void stats(const StatSink& sink) const;

 private:
  void run_entry(const std::int32_t* entry);
  void run_push(const std::int32_t* entry, Queue& queue);
  void start(const std::int32_t* entry, std::int32_t code, Queue* queue, std::int32_t taken);
  void start_push(Op& op, Sga sga, Queue* queue, std::int32_t taken);
  static std::int32_t tag_of(std::uint8_t code, Qd qd) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(qd) & ((1u << layout::kTagOpcodeShift) - 1)) |
                                     (code - 1u) << layout::kTagOpcodeShift);
  }
  [[gnu::cold]] void complete_unheard(Op& op, std::int32_t result, std::int32_t value);
  void release_sga(Op& op);
  [[gnu::cold]] void reject(Qt qt, Qd qd, int error);
  void drive(std::uint32_t wait_us);
  void restart_ring();
  void post(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value);
  [[gnu::cold]] void keep(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value);
  void write_entry(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value);
  void flush_backlog();
  std::size_t backlog_capacity() const { return static_cast<std::size_t>(limits_.tokens) + OpTable::kQuietOps; }

  static std::size_t control_words(const Limits& limits);

  Limits limits_;
  std::shared_ptr<Mapping> mapping_;
  std::int32_t* control_;
  std::int32_t* sq_;
  std::int32_t* cq_;
  std::int32_t* returned_;
  std::int32_t* scratch_;
  std::int32_t cq_tail_ = 0;
  std::int32_t cq_entries_;
  Arena arena_;
  OpTable ops_;
  DescriptorTable queues_;
  std::unique_ptr<Engine> engine_;

  // Completions that found the ring full, oldest first: a ring of kEntryWords-word entries, at most one per token and per quiet
  // push.
  PageArray<std::int32_t> backlog_;
  std::size_t backlog_head_ = 0;
  std::size_t backlog_size_ = 0;
  std::uint32_t backlog_tokens_ = 0;
  std::uint32_t backlog_quiet_ = 0;

  static constexpr std::uint32_t kMostUndriven = 3;
  std::uint32_t undriven_ = 0;  // polls in a row that did not drive the engine
  std::uint64_t submitted_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t invalid_ = 0;
  std::uint64_t lost_ = 0;
};

// ---- construction -------------------------------------------------------------------------------------------------

inline std::size_t Runtime::control_words(const Limits& limits) {
  return static_cast<std::size_t>(layout::kControlWords) + 2ull * limits.ring_entries * layout::kEntryWords +
         limits.tokens + layout::kScratchWords + static_cast<std::size_t>(limits.slots()) * layout::kSlotWords +
         layout::kSlotWords + (static_cast<std::size_t>(limits.tokens) + 1) * layout::kTokenWords;
}

inline Runtime::Runtime(const Limits& limits)
    : limits_(limits),
      mapping_(std::make_shared<Mapping>(control_words(limits) * sizeof(std::int32_t))),
      control_(static_cast<std::int32_t*>(mapping_->data())),
      sq_(control_ + layout::kControlWords),
      cq_(sq_ + static_cast<std::size_t>(limits.ring_entries) * layout::kEntryWords),
      returned_(cq_ + static_cast<std::size_t>(limits.ring_entries) * layout::kEntryWords),
      scratch_(returned_ + limits.tokens),
      cq_entries_(static_cast<std::int32_t>(limits.ring_entries)),
      // The slot table starts on a cache line: 16 words each.
      arena_(limits_.classes, control_ + ((returned_ - control_ + limits.tokens + layout::kScratchWords + 15) & ~15),
             limits.device, limits.memory),
      ops_(limits.tokens),
      queues_(limits.queues),
      backlog_(backlog_capacity() * layout::kEntryWords) {
  using namespace layout;
  control_[kWordMagic] = kMagic;
  control_[kWordVersion] = kVersion;
  control_[kWordSqEntries] = control_[kWordCqEntries] = static_cast<std::int32_t>(limits.ring_entries);
  control_[kWordSqBase] = static_cast<std::int32_t>(sq_ - control_);
  control_[kWordCqBase] = static_cast<std::int32_t>(cq_ - control_);
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

inline Runtime::~Runtime() {
  // Queues first: closing them completes their operations and tells the engine; then the engine, which may still hold
  // queues the device reads from; memory last.
  queues_.for_each([this](Qd qd) { close(qd); });
  engine_.reset();
}

// ---- the turn -------------------------------------------------------------------------------------------------------

inline std::int32_t Runtime::poll(std::uint32_t wait_us) {
  restart_ring();
  submit();
  if (engine_) [[likely]]
    drive(wait_us);
  control_[layout::kWordCqTail] = cq_tail_;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(cq_tail_) -
                                   static_cast<std::uint32_t>(control_[layout::kWordCqHead]));
}

// What completed at once is handed out before a device is asked again that is asked by system calls: the application's answers then go
// out, and its pops are in place, before the next of them. Not for ever, though: the device gets its turn.
inline void Runtime::drive(std::uint32_t wait_us) {
  const bool ready = completions_waiting();
  if (ready && !engine_->polls_memory() && ++undriven_ < kMostUndriven) return engine_->flush();
  undriven_ = 0;
  engine_->poll(ready ? 0 : wait_us);
}

// The completion ring starts anew when JavaScript has read it to its end, and first takes what found no room.
inline void Runtime::restart_ring() {
  if (completions_waiting()) return;
  control_[layout::kWordCqHead] = 0;
  cq_tail_ = control_[layout::kWordCqTail] = 0;
  if (backlog_size_ != 0) [[unlikely]]
    flush_backlog();
}

inline void Runtime::submit() {
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
inline void Runtime::run_entry(const std::int32_t* entry) {
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
        return post(qt, tag_of(kOpPop, qd), length, sga);
      }
    }
  }
  start(entry, code, queue, -1);
}

inline void Runtime::run_push(const std::int32_t* entry, Queue& queue) {
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
      if (!quiet) post(qt, tag_of(kOpPush, queue.qd()), taken, 0);
      return;
    }
  }
  start(entry, kOpPush, &queue, taken);
}

// The long way. `taken`: the length of a pushed sga that is the device side's already, else -1.
inline void Runtime::start(const std::int32_t* entry, std::int32_t code, Queue* queue, std::int32_t taken) {
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
    return post(0, tag_of(kOpPush, qd), -EAGAIN, 0);
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

inline void Runtime::start_push(Op& op, Sga sga, Queue* queue, std::int32_t taken) {
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

inline void Runtime::complete(Op& op, std::int32_t result, std::int32_t value) {
  const Qt qt = op.qt;
  if (op.sga != 0) release_sga(op);
  if (qt == OpTable::kNoToken && result >= 0) {
    ops_.finish(op);
    ++completed_;
    return;
  }
  if (qt == OpTable::kNoToken || op.dropped) [[unlikely]]
    return complete_unheard(op, result, value);
  const std::int32_t tag = tag_of(op.code, op.qd);
  if (value != 0 && op.code == layout::kOpPop) arena_.give_to_app(value);
  ops_.finish_token(op);
  ++completed_;
  post(qt, tag, result, value);
}

// Of quiet pushes, failures are told; of dropped operations nothing, and what they brought is given back.
inline void Runtime::complete_unheard(Op& op, std::int32_t result, std::int32_t value) {
  const Qt qt = op.qt;
  const std::int32_t tag = tag_of(op.code, op.qd);
  const bool pop = op.code == layout::kOpPop;
  ops_.finish(op);
  ++completed_;
  if (qt == OpTable::kNoToken) {
    post(0, tag, result, 0);
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

inline void Runtime::release_sga(Op& op) {
  if (op.flags & layout::kFlagFree) {
    arena_.free(op.sga);
  } else {
    arena_.unpin(op.sga);
  }
  op.sga = 0;
}

// While there is a backlog the ring is full, so order is kept.
inline void Runtime::post(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
  if (cq_tail_ != cq_entries_) [[likely]]
    return write_entry(qt, tag, result, value);
  keep(qt, tag, result, value);
}

// A completion that found the ring full.
inline void Runtime::keep(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
  // Failed quiet pushes have their own share, so that they never displace the completion of a token.
  std::uint32_t& share = qt == 0 ? backlog_quiet_ : backlog_tokens_;
  if (share == (qt == 0 ? OpTable::kQuietOps : limits_.tokens)) [[unlikely]] {
    // More failures than quiet pushes can be outstanding: nobody reads the ring. More completions than tokens: it is corrupted.
    ++lost_;
    return;
  }
  ++share;
  const std::size_t at = ((backlog_head_ + backlog_size_) % backlog_capacity()) * layout::kEntryWords;
  backlog_[at + layout::kCqeQt] = qt;
  backlog_[at + layout::kCqeResult] = result;
  backlog_[at + layout::kCqeValue] = value;
  backlog_[at + layout::kCqeTag] = tag;
  ++backlog_size_;
  control_[layout::kWordCqMore] = 1;
}

inline void Runtime::write_entry(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
  std::int32_t* e = cq_ + static_cast<std::ptrdiff_t>(cq_tail_) * layout::kEntryWords;
  e[layout::kCqeQt] = qt;
  e[layout::kCqeResult] = result;
  e[layout::kCqeValue] = value;
  e[layout::kCqeTag] = tag;
  control_[layout::kWordCqTail] = ++cq_tail_;
}

inline void Runtime::flush_backlog() {
  for (std::uint32_t room = limits_.ring_entries; room != 0 && backlog_size_ != 0; --room) {
    const std::int32_t* e = backlog_.data() + backlog_head_ * layout::kEntryWords;
    backlog_head_ = (backlog_head_ + 1) % backlog_capacity();
    --backlog_size_;
    --(e[layout::kCqeQt] == 0 ? backlog_quiet_ : backlog_tokens_);
    write_entry(e[layout::kCqeQt], e[layout::kCqeTag], e[layout::kCqeResult], e[layout::kCqeValue]);
  }
  control_[layout::kWordCqMore] = backlog_size_ != 0 ? 1 : 0;
}

inline void Runtime::reject(Qt qt, Qd qd, int error) {
  ++invalid_;
  post(qt, tag_of(layout::kOpPush, qd), error, 0);
}

inline Sga Runtime::take(Op& op) {
  const Sga sga = op.sga;
  if ((op.flags & layout::kFlagFree) && !arena_.pinned(sga)) {
    op.sga = 0;
    return sga;
  }
  return arena_.copy(sga);
}

// ---- control --------------------------------------------------------------------------------------------------------

inline int Runtime::connect(Qd qd, Qt qt, const Address& to) {
  Queue* queue = queues_.find(qd);
  if (queue == nullptr) return -EBADF;
  Op* op = ops_.start(qt);
  if (op == nullptr) return -EINVAL;
  ++submitted_;
  op->begin(static_cast<std::uint8_t>(layout::kOpConnect), 0, qd);
  queue->connect(*op, to);
  return 0;
}

inline int Runtime::close(Qd qd) {
  std::unique_ptr<Queue> queue = queues_.remove(qd);
  if (!queue) return -EBADF;
  Queue& q = *queue;
  q.close(std::move(queue));
  return 0;
}

inline int Runtime::cancel(Qt qt) {
  Op* op = ops_.find(qt);
  if (op == nullptr) return -ENOENT;
  Queue* queue = queues_.find(op->qd);
  if (queue == nullptr || !queue->cancel(*op)) return 0;
  complete(*op, -ECANCELED);
  return 1;
}

inline int Runtime::drop(Qt qt) {
  Op* op = ops_.find(qt);
  if (op == nullptr) return -ENOENT;
  op->dropped = true;
  cancel(qt);
  return 0;
}

inline std::uint32_t Runtime::refill(std::uint32_t size_class, std::uint32_t want) {
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

inline Sga Runtime::alloc_chain(std::span<const std::uint32_t> sizes) {
  const Sga sga = arena_.alloc_chain(sizes);
  if (sga != 0) arena_.give_to_app(sga);
  return sga;
}

inline void Runtime::stats(const StatSink& sink) const {
  sink("submitted", static_cast<double>(submitted_));
  sink("completed", static_cast<double>(completed_));
  sink("outstanding", ops_.in_use());
  sink("queues", queues_.size());
  sink("appSlots", arena_.app_slots());
  sink("deviceSlots", arena_.device_slots());
  sink("invalidEntries", static_cast<double>(invalid_));
  sink("lostCompletions", static_cast<double>(lost_));
  sink("completionBacklog", static_cast<double>(backlog_size_));
  if (engine_) engine_->stats(sink);
}

// ---- what a queue that cannot do something answers ----------------------------------------------------------------------

inline void Queue::push(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
inline void Queue::pop(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
inline void Queue::accept(Op& op) { runtime_.complete(op, -EOPNOTSUPP); }
inline void Queue::connect(Op& op, const Address&) { runtime_.complete(op, -EOPNOTSUPP); }

}  // namespace demi
