// The JavaScript side of the boundary, in C++: writes submission entries and slot descriptors, reads completions, by the layout alone.
// What JavaScript could do wrong, a test can do wrong through raw() and words().
#pragma once

#include <chrono>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "demi/memory_queue.hpp"
#include "demi/runtime.hpp"

namespace demi::test {

struct Completion {
  Qt qt = 0;
  std::int32_t result = 0;
  std::int32_t value = 0;
  Qd qd = 0;
};

// Small enough that running out is easy.
inline Limits small_limits() {
  Limits limits;
  limits.ring_entries = 16;
  limits.tokens = 64;
  limits.queues = 8;
  limits.classes = {{256, 32}, {4096, 16}, {65536, 4}};
  return limits;
}

class Application {
 public:
  // `memory`: the arena's, of a device that provides it.
  explicit Application(const Limits& limits = small_limits(), std::shared_ptr<Mapping> memory = nullptr)
      : limits_(limits), runtime_(limits, std::move(memory)) {
    for (std::uint32_t i = 0; i < limits.tokens; ++i)
      free_tokens_.push_back(static_cast<Qt>((1u << layout::kTokenIndexBits) | i));
  }

  Runtime& runtime() { return runtime_; }
  // False when the set takes it not.
  bool add(std::unique_ptr<Engine> engine, std::unique_ptr<Device> device = nullptr) {
    return runtime_.engines().add("tested", std::move(engine), std::move(device)) == 0;
  }
  Arena& arena() { return runtime_.arena(); }
  const Limits& limits() const { return limits_; }
  std::int32_t* words() { return runtime_.control(); }
  std::int32_t& word(std::int32_t i) { return runtime_.control()[i]; }

  Qd queue(std::uint32_t capacity = 1024) { return runtime_.adopt(std::make_unique<MemoryQueue>(runtime_, capacity)); }

  // ---- submission ----------------------------------------------------------------------------------------------------
  // Writes an entry as it is; consumes the ring first when it is full.
  void raw(std::int32_t op, Qd qd, Qt qt, std::int32_t arg) {
    std::int32_t& tail = word(layout::kWordSqTail);
    if (tail == static_cast<std::int32_t>(limits_.ring_entries)) runtime_.submit();
    std::int32_t* e = words() + word(layout::kWordSqBase) + tail * layout::kEntryWords;
    e[layout::kSqeOp] = op;
    e[layout::kSqeQd] = qd;
    e[layout::kSqeQt] = qt;
    e[layout::kSqeArg] = arg;
    ++tail;
  }
  Qt start(std::int32_t op, Qd qd, std::int32_t arg) {
    const Qt qt = take_token();
    raw(op, qd, qt, arg);
    return qt;
  }
  // A quiet push has no token: 0.
  Qt push(Qd qd, Sga sga, int flags = 0) {
    if ((flags & layout::kFlagQuiet) == 0) return start(layout::kOpPush | flags << 8, qd, sga);
    raw(layout::kOpPush | flags << 8, qd, 0, sga);
    return 0;
  }
  Qt pop(Qd qd, std::int32_t limit = 0) { return start(layout::kOpPop, qd, limit); }
  void free(Sga sga) { raw(layout::kOpFree, 0, 0, sga); }

  // A token like JavaScript makes them: the index used longest ago, its generation one up.
  Qt take_token() {
    const Qt qt = free_tokens_.front();
    free_tokens_.pop_front();
    return qt;
  }
  void give_back(Qt qt) {
    const std::uint32_t mask = (1u << layout::kTokenIndexBits) - 1;
    const auto bits = static_cast<std::uint32_t>(qt);
    if (qt <= 0 || (bits & mask) >= limits_.tokens) return;
    std::uint32_t generation = (bits >> layout::kTokenIndexBits) + 1;
    if (generation >= 1u << (31 - layout::kTokenIndexBits)) generation = 1;
    free_tokens_.push_back(static_cast<Qt>(generation << layout::kTokenIndexBits | (bits & mask)));
  }
  std::size_t tokens_left() const { return free_tokens_.size(); }

  // ---- completion ----------------------------------------------------------------------------------------------------
  // One turn: what completed, in order, of all tokens.
  std::vector<Completion> turn(std::uint32_t wait_us = 0) {
    runtime_.poll(wait_us);
    return read_ring();
  }
  std::vector<Completion> read_ring() {
    std::vector<Completion> out;
    std::int32_t& head = word(layout::kWordCqHead);
    for (; head != word(layout::kWordCqTail); ++head) {
      const std::int32_t* e = words() + word(layout::kWordCqBase) + head * layout::kEntryWords;
      out.push_back({e[layout::kCqeQt], e[layout::kCqeResult], e[layout::kCqeValue],
                     e[layout::kCqeTag] & ((1 << layout::kTagOpcodeShift) - 1)});
      give_back(e[layout::kCqeQt]);
    }
    return out;
  }
  // Finds the completion ring's place again after its index words were overwritten: poll() writes the tail.
  void resynchronize() {
    runtime_.poll(0);
    word(layout::kWordCqHead) = word(layout::kWordCqTail);
  }
  // Tokens that ended without a completion.
  std::vector<Qt> returned() {
    std::int32_t& count = word(layout::kWordReturnedCount);
    const std::int32_t* list = words() + word(layout::kWordReturnedBase);
    std::vector<Qt> out(list, list + count);
    for (const Qt qt : out) give_back(qt);
    count = 0;
    return out;
  }
  // Turns until the token completes; nothing after `seconds`. Others that complete meanwhile are kept for later calls.
  std::optional<Completion> wait(Qt qt, double seconds = 10) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    for (;;) {
      for (auto& c : turn(500)) done_[c.qt] = c;
      if (auto found = done_.find(qt); found != done_.end()) {
        const Completion c = found->second;
        done_.erase(found);
        return c;
      }
      if (std::chrono::steady_clock::now() > end) return std::nullopt;
    }
  }

  // ---- memory --------------------------------------------------------------------------------------------------------
  std::int32_t* descriptor(std::uint32_t slot) {
    return words() + word(layout::kWordSlotBase) + static_cast<std::size_t>(slot) * layout::kSlotWords;
  }
  static std::uint32_t slot_of(Sga sga) {
    return static_cast<std::uint32_t>(sga) & ((1u << layout::kSlotIndexBits) - 1);
  }

  Sga alloc(std::initializer_list<std::uint32_t> sizes) { return runtime_.alloc_chain({sizes.begin(), sizes.size()}); }
  Sga from(std::initializer_list<std::string_view> segments) {
    std::vector<std::uint32_t> sizes;
    for (auto s : segments) sizes.push_back(static_cast<std::uint32_t>(s.size()));
    const Sga sga = runtime_.alloc_chain(sizes);
    if (sga == 0) return 0;
    std::uint32_t slot = slot_of(sga);
    for (auto s : segments) {
      std::memcpy(segment(slot).data(), s.data(), s.size());
      slot = static_cast<std::uint32_t>(descriptor(slot)[layout::kSlotNext]) - 1;
    }
    return sga;
  }
  Sga from(std::string_view text) { return from({text}); }

  // What JavaScript sees of one slot.
  std::span<std::uint8_t> segment(std::uint32_t slot) {
    const std::int32_t* d = descriptor(slot);
    return {
        arena().base() + static_cast<std::size_t>(d[layout::kSlotStart]) * layout::kSlotAlign + d[layout::kSlotOffset],
        static_cast<std::size_t>(d[layout::kSlotLength])};
  }
  std::vector<std::string> segments(Sga sga) {
    std::vector<std::string> out;
    for (std::uint32_t next = slot_of(sga) + 1; next != 0;) {
      const auto bytes = segment(next - 1);
      out.emplace_back(bytes.begin(), bytes.end());
      next = static_cast<std::uint32_t>(descriptor(next - 1)[layout::kSlotNext]);
    }
    return out;
  }
  std::string text(Sga sga) {
    std::string out;
    for (const auto& s : segments(sga)) out += s;
    return out;
  }
  // Frees every sga the descriptors show as the application's.
  void free_all() {
    const auto slots = static_cast<std::uint32_t>(limits_.class_slots());
    for (std::uint32_t i = 0; i < slots; ++i) {
      if (arena().app_owns(descriptor(i)[layout::kSlotHandle])) arena().free(descriptor(i)[layout::kSlotHandle]);
    }
  }

  std::map<std::string, double> stats() {
    std::map<std::string, double> out;
    const StatSink sink = [&](const char* name, double value) { out[name] = value; };
    runtime_.stats(sink);
    runtime_.engines().for_each([&](const std::string&, const Engine& engine) { engine.stats(sink); });
    return out;
  }
  // True when nothing is held any more.
  bool at_rest() {
    auto s = stats();
    return s["outstanding"] == 0 && s["queues"] == 0 && s["appSlots"] == 0 && s["deviceSlots"] == 0;
  }

 private:
  Limits limits_;
  Runtime runtime_;
  std::deque<Qt> free_tokens_;
  std::map<Qt, Completion> done_;
};

}  // namespace demi::test
