// One log as it is in memory: where its segments are, where it begins and ends, and what waits to be appended.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "format.hpp"

namespace demi::spdk {

class Log;

// A record on its way into a log. Its owner keeps it and its memory until `done` was called.
struct Append {
  static constexpr int kMostPieces = 16;
  std::array<iovec, kMostPieces> pieces;
  int count = 0;
  std::uint32_t length = 0;  // of all pieces: 1 to format::kMostRecord
  std::int32_t result = 0;   // 0, when it is durable, or a negative errno
  void (*done)(Append&) = nullptr;
  void* owner = nullptr;
  bool begun = false;  // it is on its way to the device

  Append* next = nullptr;
  Append* previous = nullptr;
};

// Appends in the order in which they are to be written.
class AppendList {
 public:
  bool empty() const { return first_ == nullptr; }
  Append* front() const { return first_; }
  void push_back(Append& append) {
    append.next = nullptr;
    append.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &append;
    last_ = &append;
  }
  void remove(Append& append) {
    (append.previous != nullptr ? append.previous->next : first_) = append.next;
    (append.next != nullptr ? append.next->previous : last_) = append.previous;
    append.next = append.previous = nullptr;
  }
  Append* pop_front() {
    Append* const append = first_;
    if (append != nullptr) remove(*append);
    return append;
  }

 private:
  Append* first_ = nullptr;
  Append* last_ = nullptr;
};

struct Segment {
  std::uint32_t number = 0;  // on the device
  // The position of the first batch that begins here is first_batch bytes behind its start; kNone: none begins here.
  std::uint32_t first_batch = format::kNone;
  std::uint64_t resumes_from = 0;
  std::uint64_t epoch = 0;
};

class Log {
 public:
  Log(std::uint32_t slot, std::string name, std::uint64_t incarnation)
      : slot(slot), name(std::move(name)), incarnation(incarnation) {}

  // Where the batches go on behind `position`, at which one ends: there, or, if what follows there could not be written, at the segment
  // that says so.
  std::uint64_t resume(std::uint64_t position) const {
    const auto jump = jumps.find(position);
    return jump == jumps.end() ? position : jump->second;
  }

  // The first segment that is needed to read from `start` on: in it begins the batch that the start is in, or in one before it.
  std::uint64_t first_needed(const format::Layout& layout) const {
    for (auto it = segments.upper_bound(layout.ordinal_of(start)); it != segments.begin();) {
      --it;
      if (it->second.first_batch == format::kNone) continue;
      if (layout.position_of(it->first) + it->second.first_batch - layout.block_bytes <= start) return it->first;
    }
    return layout.ordinal_of(start);
  }

  const std::uint32_t slot;
  const std::string name;
  const std::uint64_t incarnation;

  std::uint64_t version = 0;  // of its directory entry
  std::uint64_t start = 0;
  // Everything before is durable and has been acknowledged; here the next batch goes, unless `next` says otherwise.
  std::uint64_t end = 0;
  // Of what the directory says is durable.
  std::uint64_t recorded = 0;
  // A write failed behind `end`: the next batch goes to the start of this segment of the log's. kNowhere: it goes to `end`.
  static constexpr std::uint64_t kNowhere = ~0ull;
  std::uint64_t next = kNowhere;

  std::map<std::uint64_t, Segment> segments;     // by ordinal
  std::map<std::uint64_t, std::uint64_t> jumps;  // from where batches end to where they go on
  AppendList waiting;
  // Unlinking it failed, so the device may say already that it is gone: nothing may be added to it any more.
  bool doomed = false;
  std::uint32_t users = 0;  // queues that have it open
  bool queued = false;      // it is in the store's list of logs with something to append
};

}  // namespace demi::spdk
