// The queue runtime every addon is built around: rings, descriptors, tokens and memory of one libOS.
//
// Data flows one way. JavaScript writes submission entries -> submit() checks each and hands it to its Queue -> the queue or
// its engine completes it -> complete() writes a completion entry -> JavaScript reads it. One poll() does all of it.
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
#include "demi/completion_ring.hpp"
#include "demi/descriptor_table.hpp"
#include "demi/engine_set.hpp"
#include "demi/layout.hpp"
#include "demi/limits.hpp"
#include "demi/mapping.hpp"
#include "demi/op.hpp"
#include "demi/queue.hpp"

namespace demi {

class Runtime {
 public:
  // `memory`: the arena's, limits.arena_bytes() of it; without it the arena makes its own. Throws std::bad_alloc.
  explicit Runtime(const Limits& limits, std::shared_ptr<Mapping> memory = nullptr);
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

  bool completions_waiting() const { return completions_.waiting(); }

  // ---- for the Node-API glue (and native tests) ---------------------------------------------------------------------

  EngineSet& engines() { return engines_; }
  std::int32_t* control() { return control_; }
  const std::shared_ptr<Mapping>& control_mapping() const { return mapping_; }

  // Consumes the submission ring, drives the engines, fills the completion ring; waits up to `wait_us` microseconds while there is
  // nothing to complete. Returns the entries waiting in the ring.
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

  // Core's own counters; the engines' are theirs to tell.
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

  static std::size_t control_words(const Limits& limits);

  Limits limits_;
  std::shared_ptr<Mapping> mapping_;
  std::int32_t* control_;
  std::int32_t* sq_;
  std::int32_t* returned_;
  std::int32_t* scratch_;
  CompletionRing completions_;
  EngineSet engines_;  // before the arena: it ends after it, with the devices whose memory that is
  Arena arena_;
  OpTable ops_;
  DescriptorTable queues_;

  std::uint64_t submitted_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t invalid_ = 0;
};

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
  completions_.post(qt, tag, result, value);
}

inline void Runtime::release_sga(Op& op) {
  if (op.flags & layout::kFlagFree) {
    arena_.free(op.sga);
  } else {
    arena_.unpin(op.sga);
  }
  op.sga = 0;
}

}  // namespace demi
