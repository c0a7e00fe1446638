#include "recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "crc32c.hpp"

namespace demi::spdk {

int Recovery::run(std::uint64_t durable, LogStore::Recovery& counters) {
  std::uint64_t at = std::max(durable, log_.start);
  forget_stale_jumps(at);
  std::uint64_t jumped_from = Log::kNowhere;  // to where it looks now
  for (;;) {
    if (log_.jumps.contains(at) && !is_stale_jump(at)) {
      jumped_from = at;
      at = log_.jumps.at(at);
    }
    format::BatchHeader header;
    const int error = check(at, header);
    if (error == 0) {
      durable = std::max(durable, header.durable);
      at += layout_.whole_blocks(header.bytes);
      ++counters.batches;
      counters.bytes += header.bytes;
      jumped_from = Log::kNowhere;
      continue;
    }
    if (error != -EBADMSG) return error;
    std::uint64_t later = at;
    if (const int failed = find_evidence(at, later); failed != 0) return failed;
    if (later <= at) break;
    // Acknowledged, and not right: whoever reads it is told. What follows is there.
    ++counters.damaged;
    at = durable = later;
    jumped_from = Log::kNowhere;
  }
  // A batch that goes on in another segment is looked for there; the log ends where the one before did.
  if (jumped_from != Log::kNowhere) {
    at = jumped_from;
    if (has_failed_batch(at)) given_up_ = at;
  }
  log_.end = at;
  const std::uint64_t keep = layout_.ordinal_of(at) + (at % layout_.payload() == 0 ? 0 : 1);
  for (auto last = log_.segments.lower_bound(keep); last != log_.segments.end();) {
    log_.jumps.erase(last->second.resumes_from);
    last = log_.segments.erase(last);
  }
  return 0;
}

// A segment that resumes from somewhere may have been begun by a commit that a crash cut off: its header is there, the log ended before it,
// and later batches went where it resumes from. Then nothing is durable behind its start, though something is behind where it resumes from.
void Recovery::forget_stale_jumps(std::uint64_t durable) {
  std::erase_if(log_.jumps, [&](const auto& jump) { return jump.first < durable && jump.second >= durable; });
}

// Or a later opening than the one that began the segment has written where it resumes from. What the same opening, or one before, has
// written there is what failed.
bool Recovery::is_stale_jump(std::uint64_t position) {
  const auto segment = log_.segments.find(layout_.ordinal_of(log_.jumps.at(position)));
  format::BatchHeader header;
  if (segment == log_.segments.end() || check(position, header) != 0 || header.epoch <= segment->second.epoch)
    return false;
  log_.jumps.erase(position);
  return true;
}

// Of a position that a segment resumes from: what that segment's opening, or one before, has written there.
bool Recovery::has_failed_batch(std::uint64_t position) {
  const auto segment = log_.segments.find(layout_.ordinal_of(log_.jumps.at(position)));
  format::BatchHeader header;
  std::uint8_t bytes[sizeof header];
  if (segment == log_.segments.end() || position % layout_.block_bytes != 0 || read(position, sizeof bytes, bytes) != 0)
    return false;
  header = format::read<format::BatchHeader>(bytes);
  return is_header(header, position) && header.epoch <= segment->second.epoch;
}

bool Recovery::is_header(const format::BatchHeader& header, std::uint64_t position) const {
  return format::is_batch(header, store_.identity(), log_.incarnation, position);
}

int Recovery::check(std::uint64_t position, format::BatchHeader& header) {
  std::uint8_t bytes[sizeof header];
  if (const int error = read(position, sizeof bytes, bytes); error != 0) return error;
  header = format::read<format::BatchHeader>(bytes);
  if (!is_header(header, position)) return -EBADMSG;
  const std::uint64_t end = position + header.bytes;
  // A batch is no older than a segment that it is in. One that is was cut off by a crash that kept the batch and lost the segment's header;
  // since then the log ended before it, and the segment was begun again.
  for (auto it = log_.segments.lower_bound(layout_.ordinal_of(position));
       it != log_.segments.end() && it->first <= layout_.ordinal_of(end - 1); ++it) {
    if (header.epoch < it->second.epoch) return -EBADMSG;
  }
  std::uint64_t at = position + sizeof header;
  for (std::uint32_t n = 0; n < header.records; ++n) {
    at += format::to_next_record(at - position);
    std::uint8_t record_bytes[sizeof(format::RecordHeader)];
    if (at + sizeof record_bytes > end) return -EBADMSG;
    if (const int error = read(at, sizeof record_bytes, record_bytes); error != 0) return error;
    const auto record = format::read<format::RecordHeader>(record_bytes);
    const std::uint32_t salt = format::record_salt(log_.incarnation, at);
    if (!format::is_whole(record, salt)) return -EBADMSG;
    at += sizeof record + record.gap;
    if (at + record.length > end) return -EBADMSG;
    std::uint32_t crc = salt;
    for (std::uint32_t left = record.length; left != 0;) {
      if (const int error = load(at); error != 0) return error;
      const auto here = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, loaded_end_ - at));
      crc = crc32c(crc, memory_.data() + (at - loaded_), here);
      at += here;
      left -= here;
    }
    if (crc != record.crc) return -EBADMSG;
  }
  newest_epoch_ = std::max(newest_epoch_, header.epoch);
  return at == end ? 0 : -EBADMSG;
}

int Recovery::read(std::uint64_t position, std::size_t bytes, std::uint8_t* into) {
  while (bytes != 0) {
    if (const int error = load(position); error != 0) return error;
    const auto here = std::min<std::uint64_t>(bytes, loaded_end_ - position);
    std::memcpy(into, memory_.data() + (position - loaded_), here);
    into += here;
    position += here;
    bytes -= here;
  }
  return 0;
}

// Has the block of this position in memory, and what follows in the segment, as far as there is room. EBADMSG: no segment has it, or it
// cannot be read.
int Recovery::load(std::uint64_t position) {
  if (position >= loaded_ && position < loaded_end_) return 0;
  const std::uint64_t ordinal = layout_.ordinal_of(position);
  const auto segment = log_.segments.find(ordinal);
  if (segment == log_.segments.end()) return -EBADMSG;
  const std::uint64_t from = position / layout_.block_bytes * layout_.block_bytes;
  const std::uint64_t bytes = std::min<std::uint64_t>(memory_.size(), layout_.position_of(ordinal + 1) - from);
  loaded_ = loaded_end_ = 0;
  const std::uint64_t offset = layout_.segment_start(segment->second.number) + layout_.offset_of(from);
  if (const int error = io_.read(offset, memory_.first(bytes)); error != 0) {
    // Perhaps only a block of them: one at a time then.
    if (bytes == layout_.block_bytes || io_.read(offset, memory_.first(layout_.block_bytes)) != 0) return -EBADMSG;
    loaded_end_ = from + layout_.block_bytes;
  } else {
    loaded_end_ = from + bytes;
  }
  loaded_ = from;
  return 0;
}

// The largest position behind this one of which anything says that it was durable: `durable` is set to it, or left as it is.
int Recovery::find_evidence(std::uint64_t position, std::uint64_t& durable) {
  for (auto it = log_.segments.lower_bound(layout_.ordinal_of(position)); it != log_.segments.end(); ++it) {
    const std::uint64_t begins = layout_.position_of(it->first);
    for (std::uint64_t at = std::max(begins, position); at < begins + layout_.payload(); at += layout_.block_bytes) {
      if (load(at) != 0) continue;
      const auto header = format::read<format::BatchHeader>(memory_.data() + (at - loaded_));
      if (is_header(header, at) && header.durable > position) {
        // The first such: what it says is the end of a batch, and this one may not be the last.
        durable = header.durable;
        return 0;
      }
    }
  }
  return 0;
}

}  // namespace demi::spdk
