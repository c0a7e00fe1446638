#include "store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "mount.hpp"

namespace demi::spdk {

namespace {

constexpr std::uint64_t kIncarnationBits = 48;

}  // namespace

LogStore::LogStore(BlockDevice& device, const StoreMemory& memory)
    : device_(device), memory_(memory), io_(device), committer_(*this), filler_(*this) {}

LogStore::~LogStore() {
  filler_.stop();
  while (committer_.under_way() || filler_.under_way()) device_.wait(1000);
}

bool LogStore::open(Failure& failure) {
  scratch_ = Blocks(device_, memory_.scratch);
  if (!scratch_.empty()) {
    if (!Mount(*this, failure).run()) return false;
    if (committer_.start()) return true;
  }
  failure.refuse(-ENOMEM, "no memory for its transfers");
  return false;
}

int LogStore::close() { return committer_.idle() ? save_entries() : -EBUSY; }

std::vector<Log*> LogStore::logs() const {
  std::vector<Log*> all;
  for (const auto& log : slots_) {
    if (log) all.push_back(log.get());
  }
  return all;
}

Log* LogStore::find(std::string_view name) const {
  for (const auto& log : slots_) {
    if (log && log->name == name) return log.get();
  }
  return nullptr;
}

// ---- the directory --------------------------------------------------------------------------------------------------

format::DirectoryEntry LogStore::entry_of(const Log& log, bool in_use) const {
  format::DirectoryEntry entry{};
  entry.magic = format::kDirectoryMagic;
  entry.slot = log.slot;
  entry.identity = superblock_.identity;
  entry.version = versions_[log.slot] + 1;
  entry.in_use = in_use ? 1 : 0;
  if (in_use) {
    entry.incarnation = log.incarnation;
    entry.start = log.start;
    entry.durable = log.end;
    entry.name_bytes = static_cast<std::uint32_t>(log.name.size());
    std::memcpy(entry.name.data(), log.name.data(), log.name.size());
  }
  format::seal(entry);
  return entry;
}

// One copy after the other, so that one of them is always whole.
int LogStore::write_entry(Log& log, bool in_use) {
  const format::DirectoryEntry entry = entry_of(log, in_use);
  // Also when it fails: what is written next is then newer than what was perhaps written now.
  versions_[log.slot] = entry.version;
  const std::span<std::uint8_t> block(scratch_.data(), layout_.block_bytes);
  std::memset(block.data(), 0, block.size());
  std::memcpy(block.data(), &entry, sizeof entry);
  for (int copy = 0; copy < 2; ++copy) {
    if (const int error = io_.write(layout_.directory_copy(log.slot, copy), block); error != 0) return error;
    if (const int error = io_.flush(); error != 0) return error;
  }
  log.recorded = log.end;
  return 0;
}

// Of all logs whose ends it does not know, with two flushes together.
int LogStore::save_entries() {
  std::vector<Log*> stale;
  for (Log* const log : logs()) {
    if (log->recorded != log->end && !log->doomed) stale.push_back(log);
  }
  if (stale.empty()) return 0;
  const std::span<std::uint8_t> block(scratch_.data(), layout_.block_bytes);
  for (int copy = 0; copy < 2; ++copy) {
    for (const Log* const log : stale) {
      const format::DirectoryEntry entry = entry_of(*log, true);
      std::memset(block.data(), 0, block.size());
      std::memcpy(block.data(), &entry, sizeof entry);
      if (const int error = io_.write(layout_.directory_copy(log->slot, copy), block); error != 0) return error;
    }
    if (const int error = io_.flush(); error != 0) return error;
  }
  for (Log* const log : stale) {
    ++versions_[log->slot];
    log->recorded = log->end;
  }
  return 0;
}

int LogStore::create(std::string_view name, Log*& out) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return -EINVAL;
  if (name.size() > format::kMostName) return -ENAMETOOLONG;
  if (find(name) != nullptr) return -EEXIST;
  auto free = std::ranges::find_if(slots_, [](const auto& log) { return !log; });
  if (free == slots_.end()) return -ENOSPC;
  // The device may say that there is a log in it: before one of that name is made elsewhere, it has to say something else.
  if (unsure_ != format::kNone) free = slots_.begin() + unsure_;
  const auto slot = static_cast<std::uint32_t>(free - slots_.begin());
  // A slot's versions only grow, so no log had this number before.
  const std::uint64_t incarnation = std::uint64_t{slot} << kIncarnationBits | (versions_[slot] + 1);
  auto log = std::make_unique<Log>(slot, std::string(name), incarnation);
  unsure_ = slot;
  if (const int error = write_entry(*log, true); error != 0) return error;
  unsure_ = format::kNone;
  out = log.get();
  *free = std::move(log);
  return 0;
}

int LogStore::truncate(Log& log, std::uint64_t position) {
  if (position > log.end) return -EINVAL;
  if (position <= log.start) return 0;
  const std::uint64_t before = std::exchange(log.start, position);
  if (const int error = write_entry(log, true); error != 0) {
    // One of the copies may say so already; what it gives back nobody reads or writes until it is known.
    log.start = before;
    return error;
  }
  log.jumps.erase(log.jumps.begin(), log.jumps.lower_bound(position));
  release_segments(log, log.first_needed(layout_));
  return 0;
}

void LogStore::release_segments(Log& log, std::uint64_t before_ordinal) {
  while (!log.segments.empty() && log.segments.begin()->first < before_ordinal) {
    free_.give_back(log.segments.begin()->second.number);
    log.segments.erase(log.segments.begin());
  }
}

int LogStore::unlink(Log& log) {
  if (log.users != 0 || !committer_.idle(log)) return -EBUSY;
  log.doomed = true;
  if (const int error = write_entry(log, false); error != 0) return error;
  committer_.forget(log);
  release_segments(log, ~0ull);
  slots_[log.slot].reset();
  return 0;
}

// ---- appending ------------------------------------------------------------------------------------------------------

bool LogStore::cancel(Log& log, Append& append) {
  if (append.begun) return false;
  log.waiting.remove(append);
  return true;
}

void LogStore::poll() {
  device_.poll();
  committer_.begin();
  filler_.begin();
}

void LogStore::stats(const StatSink& sink) const {
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink("commits", number(committer_.commits()));
  sink("batches", number(committer_.batches()));
  sink("records", number(committer_.records()));
  sink("flushes", number(committer_.flushes()));
  sink("copiedBytes", number(committer_.copied()));
  sink("inPlaceBytes", number(committer_.in_place()));
  sink("segments", number(layout_.segments));
  sink("freeSegments", number(free_.count()));
  sink("untouchedSegments", number(free_.untouched()));
  sink("filledSegments", number(filler_.filled()));
  sink("segmentBytes", number(layout_.segment_bytes));
  sink("recoveredBatches", number(recovery_.batches));
  sink("damagedPlaces", number(recovery_.damaged));
}

}  // namespace demi::spdk
