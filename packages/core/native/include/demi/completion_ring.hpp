// The ring of completions that JavaScript reads, and what waits for room in it.
//
// JavaScript reads it to its end, or nearly always: then it starts again at its first entry, stays in the cache, and never wraps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "demi/layout.hpp"
#include "demi/op.hpp"
#include "demi/page_array.hpp"

namespace demi {

class CompletionRing {
 public:
  // `ring` has `entries` entries within `control`, the words that JavaScript shares. At most `tokens` operations have a token.
  CompletionRing(std::int32_t* control, std::int32_t* ring, std::uint32_t entries, std::uint32_t tokens);

  bool waiting() const { return tail_ != control_[layout::kWordCqHead]; }
  // Entries that wait to be read.
  std::int32_t count() const {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(tail_) -
                                     static_cast<std::uint32_t>(control_[layout::kWordCqHead]));
  }

  // Once JavaScript has read all of it: starts anew, first with what found no room.
  void restart() {
    if (waiting()) return;
    control_[layout::kWordCqHead] = 0;
    tail_ = control_[layout::kWordCqTail] = 0;
    if (backlog_size_ != 0) [[unlikely]]
      refill();
  }
  // Writes the tail again: JavaScript's side of the words is not trusted.
  void publish() { control_[layout::kWordCqTail] = tail_; }

  // `qt` 0: of a quiet push that failed. While there is a backlog the ring is full, so order is kept.
  void post(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
    if (tail_ != entries_) [[likely]]
      return write(qt, tag, result, value);
    keep(qt, tag, result, value);
  }

  std::size_t backlog() const { return backlog_size_; }
  // Completions that found no room anywhere, because nobody reads the ring.
  std::uint64_t lost() const { return lost_; }

 private:
  void write(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
    std::int32_t* e = ring_ + static_cast<std::ptrdiff_t>(tail_) * layout::kEntryWords;
    e[layout::kCqeQt] = qt;
    e[layout::kCqeResult] = result;
    e[layout::kCqeValue] = value;
    e[layout::kCqeTag] = tag;
    control_[layout::kWordCqTail] = ++tail_;
  }
  [[gnu::cold]] void keep(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value);
  void refill();

  std::int32_t* control_;
  std::int32_t* ring_;
  std::int32_t tail_ = 0;
  std::int32_t entries_;
  std::uint32_t tokens_;

  // Oldest first: a ring of kEntryWords-word entries, at most one per token and per quiet push.
  PageArray<std::int32_t> backlog_;
  std::size_t backlog_capacity_;
  std::size_t backlog_head_ = 0;
  std::size_t backlog_size_ = 0;
  std::uint32_t backlog_tokens_ = 0;
  std::uint32_t backlog_quiet_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace demi
