#include "mount.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "recovery.hpp"

namespace demi::spdk {

namespace {

constexpr std::uint64_t kFirstBytes = 128u << 10;  // looked at before a device is made ours
constexpr std::size_t kReadsAtOnce = 64;
// A number that no device reaches: so that nothing computed from what is read overflows.
constexpr std::uint64_t kMostPosition = std::uint64_t{1} << 62;

// Of a superblock: whether it can be followed, on a device of these bytes.
bool is_sound(const format::Superblock& block, std::uint64_t device_bytes) {
  if (block.logs == 0 || block.logs > format::kMostLogs || block.block_bytes < format::kLeastBlock ||
      block.block_bytes > format::kMostBlock || !std::has_single_bit(block.block_bytes) ||
      block.segment_bytes < format::kLeastSegment || block.segment_bytes > format::kMostSegment ||
      !std::has_single_bit(block.segment_bytes))
    return false;
  const auto layout = format::Layout::with(block.segment_bytes, block.device_bytes, block.block_bytes, block.logs);
  return block.device_bytes <= device_bytes && layout.segments == block.segments && layout.segments != 0;
}

std::uint64_t bytes_of(const Geometry& geometry) { return geometry.blocks * geometry.block_bytes; }

int write_superblock(SyncIo& io, format::Superblock& block, std::span<std::uint8_t> memory, int copy) {
  format::seal(block);
  const std::span<std::uint8_t> place = memory.first(format::kSuperblockStride);
  std::memset(place.data(), 0, place.size());
  std::memcpy(place.data(), &block, sizeof block);
  return io.write(static_cast<std::uint64_t>(copy) * format::kSuperblockStride, place);
}

}  // namespace

bool Mount::failed(int error, const char* what) {
  failure_.error = error;
  failure_.message = what;
  return false;
}

bool Mount::run() {
  if (!read_superblock() || !read_directory() || !read_segments()) return false;
  store_.free_.reset(store_.layout_.segments);
  for (const auto& [incarnation, log] : by_incarnation_) {
    Recovery recovery(store_, store_.io_, *log, memory_);
    if (const int error = recovery.run(durable_[log], store_.recovery_); error != 0)
      return failed(error, "a log cannot be read");
    newest_epoch_ = std::max(newest_epoch_, recovery.newest_epoch());
    for (const auto& [ordinal, segment] : log->segments) store_.free_.use(segment.number);
    if (const int error = wipe_given_up(*log, recovery.given_up()); error != 0)
      return failed(error, "what has failed cannot be wiped");
  }
  int error = wipe_superseded();
  // Before anything else is written to the segments that are free now.
  if (error == 0 && wiped_) error = store_.io_.flush();
  if (error != 0) return failed(error, "what has failed cannot be wiped");
  mark_untouched();
  store_.free_.start();
  return begin_epoch();
}

// ---- the superblock -------------------------------------------------------------------------------------------------

int Mount::read_superblock(SyncIo& io, std::span<std::uint8_t> memory, format::Superblock& out, bool& both) {
  const std::span<std::uint8_t> place = memory.first(2 * format::kSuperblockStride);
  if (const int error = io.read(0, place); error != 0) return error;
  const auto first = format::read<format::Superblock>(place.data());
  const auto second = format::read<format::Superblock>(place.data() + format::kSuperblockStride);
  const bool has_first = format::is_whole(first);
  const bool has_second = format::is_whole(second);
  if (!has_first && !has_second) return -EINVAL;
  out = has_first && (!has_second || first.sequence > second.sequence) ? first : second;
  both = has_first && has_second;
  return 0;
}

bool Mount::read_superblock() {
  const Geometry& geometry = store_.device_.geometry();
  format::Superblock& block = store_.superblock_;
  if (bytes_of(geometry) < format::kDirectoryStart) return failed(-EINVAL, "too small for logs");
  const int error = read_superblock(store_.io_, memory_, block, both_superblocks_);
  if (error == -EINVAL) return failed(-EINVAL, "holds no logs");
  if (error != 0) return failed(error, "cannot be read");
  if (block.version != format::kVersion || block.features != 0)
    return failed(-EPROTO, "written by a newer version of this package");
  if (!is_sound(block, bytes_of(geometry)))
    return failed(-EBADMSG, "its superblock does not fit it: is it a part of the device it was?");
  if (block.block_bytes < geometry.block_bytes)
    return failed(-EINVAL, "formatted for smaller blocks than this device has");
  store_.layout_ = {block.block_bytes, block.segment_bytes, block.segments, block.logs};
  store_.slots_.resize(block.logs);
  store_.versions_.resize(block.logs);
  newest_epoch_ = block.epoch;
  return true;
}

void Mount::mark_untouched() {
  const format::Layout& layout = store_.layout_;
  const std::uint64_t start = layout.segments_start();
  const std::uint64_t end = layout.segment_start(layout.segments);
  for (const auto& range : store_.device_.untouched()) {
    if (range.end <= start || range.begin >= end) continue;
    const std::uint64_t from = (std::max(range.begin, start) - start) / layout.segment_bytes;
    const std::uint64_t to = (std::min(range.end, end) - start - 1) / layout.segment_bytes;
    for (std::uint64_t segment = from; segment <= to; ++segment)
      store_.free_.mark_untouched(static_cast<std::uint32_t>(segment));
  }
}

// Every opening has a number of its own, and none is used twice, also when the copy that knew the last one is lost.
bool Mount::begin_epoch() {
  format::Superblock& block = store_.superblock_;
  block.epoch = newest_epoch_ + (both_superblocks_ ? 1 : 2);
  for (int n = both_superblocks_ ? 1 : 0; n < 2; ++n) {
    // The one that is not the newest whole one.
    ++block.sequence;
    const int copy = static_cast<int>(block.sequence % 2);
    int error = write_superblock(store_.io_, block, memory_, copy);
    if (error == 0) error = store_.io_.flush();
    if (error != 0) return failed(error, "its superblock cannot be written");
  }
  int error = store_.save_entries();
  for (const std::uint32_t slot : stale_free_) {
    Log none(slot, "", 0);
    if (error == 0) error = store_.write_entry(none, false);
  }
  if (error != 0) return failed(error, "its directory cannot be written");
  return true;
}

// ---- the directory --------------------------------------------------------------------------------------------------

bool Mount::read_directory() {
  const format::Layout& layout = store_.layout_;
  const std::size_t at_once = memory_.size() / 2 / layout.block_bytes;
  for (std::uint32_t slot = 0; slot < layout.logs; slot += static_cast<std::uint32_t>(at_once)) {
    const std::size_t count = std::min<std::size_t>(at_once, layout.logs - slot);
    const std::size_t bytes = count * layout.block_bytes;
    // A block that cannot be read is as one that is wrong: there is another copy.
    for (std::size_t copy = 0; copy < 2; ++copy) {
      const std::span<std::uint8_t> part = memory_.subspan(copy * memory_.size() / 2, bytes);
      if (store_.io_.read(layout.directory_copy(slot, static_cast<int>(copy)), part) == 0) continue;
      std::vector<std::uint64_t> offsets;
      for (std::size_t i = 0; i < count; ++i)
        offsets.push_back(layout.directory_copy(slot + static_cast<std::uint32_t>(i), static_cast<int>(copy)));
      store_.io_.read_each(offsets, layout.block_bytes, part);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto number = slot + static_cast<std::uint32_t>(i);
      format::DirectoryEntry best{};
      bool found = false;
      bool alike = true;
      for (std::size_t copy = 0; copy < 2; ++copy) {
        const auto entry =
            format::read<format::DirectoryEntry>(memory_.data() + copy * memory_.size() / 2 + i * layout.block_bytes);
        const bool right =
            format::is_whole(entry) && entry.identity == store_.superblock_.identity && entry.slot == number;
        alike = alike && right && (!found || entry.version == best.version);
        if (right && (!found || entry.version > best.version)) best = entry;
        found = found || right;
      }
      if (!found) return failed(-EBADMSG, "both copies of an entry of its directory are damaged");
      store_.versions_[number] = best.version;
      if (best.in_use != 0 && !adopt(number, best)) return false;
      // Written again when the rest is known to be right.
      if (!alike && store_.slots_[number]) store_.slots_[number]->recorded = Log::kNowhere;
      if (!alike && !store_.slots_[number]) stale_free_.push_back(number);
    }
  }
  return true;
}

bool Mount::adopt(std::uint32_t slot, const format::DirectoryEntry& entry) {
  const std::string name(entry.name.data(), entry.name_bytes);
  if (name.empty() || store_.find(name) != nullptr || by_incarnation_.contains(entry.incarnation) ||
      entry.start > entry.durable || entry.durable > kMostPosition)
    return failed(-EBADMSG, "its directory contradicts itself");
  auto log = std::make_unique<Log>(slot, name, entry.incarnation);
  log->start = entry.start;
  log->end = entry.durable;
  durable_[log.get()] = entry.durable;
  log->recorded = entry.durable;
  by_incarnation_[entry.incarnation] = log.get();
  store_.slots_[slot] = std::move(log);
  return true;
}

// ---- segments -------------------------------------------------------------------------------------------------------

bool Mount::read_segments() {
  const format::Layout& layout = store_.layout_;
  const std::uint32_t block = layout.block_bytes;
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint32_t> again;
  const std::size_t at_once = std::min(kReadsAtOnce, memory_.size() / block);
  const auto look = [&](bool is_copy) {
    store_.io_.read_each(offsets, block, memory_);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto header = format::read<format::SegmentHeader>(memory_.data() + i * block);
      if (format::is_whole(header) && header.identity == store_.superblock_.identity && header.segment == numbers[i]) {
        adopt(numbers[i], header);
      } else if (!is_copy) {
        again.push_back(numbers[i]);
      }
    }
    offsets.clear();
    numbers.clear();
  };
  const auto all = [&](std::span<const std::uint32_t> which, bool is_copy) {
    for (const std::uint32_t number : which) {
      offsets.push_back(layout.segment_start(number) + (is_copy ? layout.segment_bytes - block : 0));
      numbers.push_back(number);
      if (numbers.size() == at_once) look(is_copy);
    }
    look(is_copy);
  };
  for (std::uint32_t from = 0; from < layout.segments; from += 4096) {
    std::vector<std::uint32_t> some;
    for (std::uint32_t n = from; n < layout.segments && n < from + 4096; ++n) some.push_back(n);
    again.clear();
    all(some, false);
    const std::vector<std::uint32_t> damaged = again;
    all(damaged, true);
  }
  for (const auto& [place, header] : headers_) {
    const auto& [log, ordinal] = place;
    const std::uint64_t begins = layout.position_of(ordinal);
    log->segments.emplace(ordinal, Segment{header.segment, header.first_batch, header.resumes_from, header.epoch});
    if (header.resumes_from != begins) log->jumps[header.resumes_from] = begins;
  }
  for (const auto& [incarnation, log] : by_incarnation_) {
    const auto needed = log->first_needed(layout);
    log->segments.erase(log->segments.begin(), log->segments.lower_bound(needed));
    log->jumps.erase(log->jumps.begin(), log->jumps.lower_bound(log->start));
  }
  return true;
}

// A segment is a log's if the log is still there, and has not been truncated beyond it; of two for one place the later is.
void Mount::adopt(std::uint32_t, const format::SegmentHeader& header) {
  const auto found = by_incarnation_.find(header.incarnation);
  if (found == by_incarnation_.end()) return;
  const format::Layout& layout = store_.layout_;
  Log* const log = found->second;
  if (header.ordinal > kMostPosition / layout.payload()) return;
  const std::uint64_t begins = layout.position_of(header.ordinal);
  if (header.resumes_from > begins || header.durable > begins) return;
  if (header.first_batch != format::kNone &&
      (header.first_batch < layout.block_bytes || header.first_batch >= layout.segment_bytes - layout.block_bytes ||
       header.first_batch % layout.block_bytes != 0))
    return;
  durable_[log] = std::max(durable_[log], header.durable);
  newest_epoch_ = std::max(newest_epoch_, header.epoch);
  const auto [it, is_new] = headers_.try_emplace({log, header.ordinal}, header);
  if (is_new) return;
  superseded_.push_back(header);
  if (std::pair(header.epoch, header.stamp) > std::pair(it->second.epoch, it->second.stamp))
    std::swap(it->second, superseded_.back());
}

// ---- what was given up ----------------------------------------------------------------------------------------------
//
// A batch that failed may be whole. That it does not count is said by a segment's header alone: of the segment that resumes from before it, or
// that was begun again in place of its own. When the log ends before that segment too, the segment is free, and once it is another's nothing
// says so any more: an opening would hand out records that the one before did not. So what that header kept from sight is wiped first.

int Mount::wipe(std::uint64_t offset) {
  const std::span<std::uint8_t> block = memory_.first(store_.layout_.block_bytes);
  std::memset(block.data(), 0, block.size());
  wiped_ = true;
  return store_.io_.write(offset, block);
}

// The header of the batch at this position, behind the log's end.
int Mount::wipe_given_up(const Log& log, std::uint64_t position) {
  if (position == Log::kNowhere) return 0;
  const format::Layout& layout = store_.layout_;
  const auto segment = log.segments.find(layout.ordinal_of(position));
  if (segment == log.segments.end()) return 0;
  return wipe(layout.segment_start(segment->second.number) + layout.offset_of(position));
}

// Headers of segments that were begun again, where the later one is behind the log's end.
int Mount::wipe_superseded() {
  const format::Layout& layout = store_.layout_;
  for (const format::SegmentHeader& header : superseded_) {
    if (layout.position_of(header.ordinal) < by_incarnation_.at(header.incarnation)->end) continue;
    const std::uint64_t start = layout.segment_start(header.segment);
    for (const std::uint64_t offset : {start, start + layout.segment_bytes - layout.block_bytes}) {
      if (const int error = wipe(offset); error != 0) return error;
    }
  }
  return 0;
}

// ---- making a device ours -------------------------------------------------------------------------------------------

int LogStore::content(BlockDevice& device, Content& out) {
  SyncIo io(device);
  Blocks memory(device, kFirstBytes);
  if (memory.empty()) return -ENOMEM;
  const std::uint64_t bytes = std::min(kFirstBytes, bytes_of(device.geometry()));
  if (const int error = io.read(0, memory.span().first(bytes)); error != 0) return error;
  format::Superblock block;
  bool both = false;
  out = Content::kForeign;
  if (bytes >= 2 * format::kSuperblockStride && Mount::read_superblock(io, memory.span(), block, both) == 0)
    out = Content::kLogs;
  else if (std::ranges::all_of(memory.span().first(bytes), [](std::uint8_t byte) { return byte == 0; }))
    out = Content::kNothing;
  return 0;
}

bool LogStore::format(BlockDevice& device, std::uint64_t identity, std::uint32_t logs, Failure& failure) {
  const Geometry& geometry = device.geometry();
  const format::Layout layout =
      format::Layout::of(bytes_of(geometry), std::max(geometry.block_bytes, format::kLeastBlock), logs);
  if (layout.segments < 2) {
    failure.error = -ENOSPC;
    failure.message = "too small for logs: it needs " +
                      std::to_string((layout.segments_start() + 2ull * format::kLeastSegment + 1023) / 1024) +
                      " KiB at least";
    return false;
  }
  SyncIo io(device);
  const std::size_t most = std::size_t{logs} * layout.block_bytes;
  Blocks memory(device, std::clamp<std::size_t>(most, 2 * format::kSuperblockStride, 1u << 20));
  if (memory.empty()) {
    failure.refuse(-ENOMEM, "no memory for its transfers");
    return false;
  }
  std::memset(memory.data(), 0, 2 * format::kSuperblockStride);
  // Without a superblock until all the rest is there.
  int error = io.write(0, memory.span().first(2 * format::kSuperblockStride));
  if (error == 0) error = io.flush();
  const std::size_t at_once = memory.size() / layout.block_bytes;
  for (int copy = 0; copy < 2; ++copy) {
    for (std::uint32_t slot = 0; slot < layout.logs && error == 0; slot += static_cast<std::uint32_t>(at_once)) {
      const std::size_t count = std::min<std::size_t>(at_once, layout.logs - slot);
      std::memset(memory.data(), 0, count * layout.block_bytes);
      for (std::size_t i = 0; i < count; ++i) {
        format::DirectoryEntry entry{};
        entry.magic = format::kDirectoryMagic;
        entry.slot = slot + static_cast<std::uint32_t>(i);
        entry.identity = identity;
        format::seal(entry);
        std::memcpy(memory.data() + i * layout.block_bytes, &entry, sizeof entry);
      }
      error = io.write(layout.directory_copy(slot, copy), memory.span().first(count * layout.block_bytes));
    }
  }
  if (error == 0) error = io.flush();
  format::Superblock block{};
  block.magic = format::kSuperblockMagic;
  block.version = format::kVersion;
  block.identity = identity;
  block.device_bytes = bytes_of(geometry);
  block.block_bytes = layout.block_bytes;
  block.segment_bytes = layout.segment_bytes;
  block.segments = layout.segments;
  block.logs = layout.logs;
  for (int copy = 0; copy < 2 && error == 0; ++copy) {
    ++block.sequence;
    error = write_superblock(io, block, memory.span(), static_cast<int>(block.sequence % 2));
    if (error == 0) error = io.flush();
  }
  if (error == 0) return true;
  failure.error = error;
  failure.message = "cannot be written";
  return false;
}

}  // namespace demi::spdk
