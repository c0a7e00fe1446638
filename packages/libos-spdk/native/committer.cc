#include "committer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "store.hpp"

namespace demi::spdk {

bool Committer::start() {
  // For what a commit holds, and for the headers of all segments that it can begin.
  if (!take_staging(4 * store_.memory().commit, kHeaderRoom)) return false;
  writer_ = std::make_unique<BatchWriter>(staging_.span(), store_.layout().block_bytes);
  return true;
}

bool Committer::take_staging(std::size_t records, std::size_t headers) {
  // Of a small device never more than all of it.
  const format::Layout& layout = store_.layout();
  records = std::min(records, static_cast<std::size_t>(layout.segments) * layout.segment_bytes);
  headers = std::min<std::size_t>(headers, 2ull * layout.segments * layout.block_bytes);
  Blocks larger(store_.device(), records + headers);
  if (larger.empty()) return false;
  staging_ = std::move(larger);
  batch_room_ = records;
  return true;
}

// The largest records need more than all others: it is taken when the first of them comes. Nothing is laid out.
bool Committer::grow() {
  if (!take_staging(format::kMostRecord + 4 * store_.memory().commit, 2 * kHeaderRoom)) return false;
  writer_->use(staging_.span());
  return true;
}

void Committer::append(Log& log, Append& append) {
  append.begun = false;
  log.waiting.push_back(append);
  if (!log.queued) waiting_.push_back(&log);
  log.queued = true;
}

void Committer::forget(Log& log) {
  if (log.queued) std::erase(waiting_, &log);
  log.queued = false;
}

bool Committer::idle(const Log& log) const {
  return log.waiting.empty() &&
         (!under_way() || std::ranges::none_of(parts_, [&](const Part& part) { return part.log == &log; }));
}

// ---- beginning ------------------------------------------------------------------------------------------------------

void Committer::begin() {
  if (under_way() || waiting_.empty()) return;
  writer_->restart();
  parts_.clear();
  pieces_.clear();
  writes_.clear();
  bytes_ = 0;
  AppendList refused;
  for (std::size_t n = std::min(waiting_.size(), kMostParts); n != 0; --n) {
    Log& log = *waiting_.front();
    const bool added = add_part(log, refused);
    // No room in this commit; or on the device until something is filled, which others need not wait for.
    if (!added && !log.waiting.empty() && !store_.filler().under_way()) break;
    waiting_.pop_front();
    log.queued = !log.waiting.empty();
    if (log.queued) waiting_.push_back(&log);
  }
  submit();
  while (Append* const append = refused.pop_front()) append->done(*append);
}

// A batch of what waits for the log. False: nothing was added; what could not be is in `refused`, if room on the device was why.
bool Committer::add_part(Log& log, AppendList& refused) {
  const format::Layout& layout = store_.layout();
  Part part;
  part.log = &log;
  part.from = log.next != Log::kNowhere ? log.next : log.end;
  const Append* const next = log.waiting.front();
  bool has_memory = true;
  if (next != nullptr && parts_.empty() && !writer_->has_room(next->length, batch_room_)) has_memory = grow();
  writer_->begin(log.incarnation, part.from);
  while (Append* const append = log.waiting.front()) {
    const bool first = parts_.empty() && writer_->records() == 0;
    if (!first && bytes_ + writer_->bytes_with(append->length) > store_.memory().commit) break;
    const bool fits = writer_->has_room(append->length, batch_room_);
    if (!fits && !first) break;
    const bool has_room =
        fits && take_segments(part, part.from + layout.whole_blocks(writer_->bytes_with(append->length)));
    // Those before it are acknowledged first: it is refused with the next commit.
    if (!has_room && writer_->records() != 0) break;
    // There is room soon.
    if (fits && !has_room && store_.filler().under_way()) break;
    log.waiting.remove(*append);
    if (!has_room) {
      append->result = has_memory ? -ENOSPC : -ENOMEM;
      refused.push_back(*append);
      continue;
    }
    append->begun = true;
    writer_->add(*append);
    part.appends.push_back(*append);
  }
  if (writer_->records() == 0) {
    writer_->abandon();
    for (const auto& [ordinal, segment] : part.fresh) store_.free_segments().give_back(segment.number);
    return false;
  }
  records_ += writer_->records();
  format::BatchHeader header{};
  header.identity = store_.identity();
  header.epoch = store_.epoch();
  header.durable = log.end;
  writer_->finish(header);
  part.to = part.from + writer_->bytes();
  bytes_ += writer_->bytes();
  // Asked for were as many as the batch might have needed.
  while (!part.fresh.empty() && part.fresh.back().first > layout.ordinal_of(part.to - 1)) {
    store_.free_segments().give_back(part.fresh.back().second.number);
    part.fresh.pop_back();
  }
  for (const auto& [ordinal, segment] : part.fresh) store_.free_segments().touch(segment.number);
  parts_.push_back(std::move(part));
  write_batch(parts_.size() - 1);
  write_headers(parts_.size() - 1);
  return true;
}

// Has a segment for every position from the part's first up to `to`.
bool Committer::take_segments(Part& part, std::uint64_t to) {
  const format::Layout& layout = store_.layout();
  std::uint64_t ordinal = part.fresh.empty() ? layout.ordinal_of(part.from) : part.fresh.back().first + 1;
  const std::size_t had = part.fresh.size();
  for (; ordinal <= layout.ordinal_of(to - 1); ++ordinal) {
    if (part.log->segments.contains(ordinal)) continue;
    const std::uint32_t number = store_.free_segments().take();
    if (number == format::kNone) {
      for (; part.fresh.size() > had; part.fresh.pop_back())
        store_.free_segments().give_back(part.fresh.back().second.number);
      return false;
    }
    part.fresh.push_back({ordinal, Segment{number, format::kNone, layout.position_of(ordinal), store_.epoch()}});
  }
  return true;
}

void Committer::write_batch(std::size_t index) {
  const Part& part = parts_[index];
  const format::Layout& layout = store_.layout();
  const Geometry& geometry = store_.device().geometry();
  const auto number_of = [&](std::uint64_t ordinal) {
    for (const auto& [fresh, segment] : part.fresh) {
      if (fresh == ordinal) return segment.number;
    }
    return part.log->segments.at(ordinal).number;
  };
  std::uint64_t position = part.from;
  std::vector<iovec> run;
  std::uint64_t begins = 0;
  std::uint64_t bytes = 0;
  const auto write = [&] {
    if (!run.empty()) add_write(index, begins, run);
    run.clear();
    bytes = 0;
  };
  for (iovec piece : writer_->runs()) {
    while (piece.iov_len != 0) {
      const std::uint64_t ordinal = layout.ordinal_of(position);
      const std::uint64_t segment_left = layout.position_of(ordinal + 1) - position;
      if (run.empty()) begins = layout.segment_start(number_of(ordinal)) + layout.offset_of(position);
      const std::size_t most = std::min<std::uint64_t>(segment_left, geometry.most_transfer_bytes - bytes);
      const std::size_t taken = std::min<std::size_t>(piece.iov_len, most);
      run.push_back({piece.iov_base, taken});
      piece = {static_cast<std::uint8_t*>(piece.iov_base) + taken, piece.iov_len - taken};
      position += taken;
      bytes += taken;
      if (taken == segment_left || bytes == geometry.most_transfer_bytes || run.size() == geometry.most_pieces) write();
    }
  }
  write();
}

void Committer::write_headers(std::size_t index) {
  Part& part = parts_[index];
  const format::Layout& layout = store_.layout();
  const std::uint32_t block = layout.block_bytes;
  std::uint32_t previous = format::kNone;
  if (!part.log->segments.empty()) previous = part.log->segments.rbegin()->second.number;
  for (auto& [ordinal, segment] : part.fresh) {
    const std::uint64_t begins = layout.position_of(ordinal);
    // The part's batch begins here, or ends here, or goes through.
    if (begins == part.from) {
      segment.first_batch = layout.offset_of(begins);
      segment.resumes_from = part.log->end;
    } else if (part.to < begins + layout.payload()) {
      segment.first_batch = layout.offset_of(part.to);
    }
    format::SegmentHeader header{};
    header.magic = format::kSegmentMagic;
    header.segment = segment.number;
    header.identity = store_.identity();
    header.incarnation = part.log->incarnation;
    header.ordinal = ordinal;
    header.epoch = store_.epoch();
    header.stamp = store_.next_stamp();
    header.resumes_from = segment.resumes_from;
    header.durable = part.log->end;
    header.previous = std::exchange(previous, segment.number);
    header.first_batch = segment.first_batch;
    format::seal(header);
    const std::uint64_t start = layout.segment_start(segment.number);
    for (const std::uint64_t offset : {start, start + layout.segment_bytes - block}) {
      std::uint8_t* const memory = writer_->take_block();
      std::memcpy(memory, &header, sizeof header);
      const iovec piece{memory, block};
      add_write(index, offset, {&piece, 1});
    }
  }
}

void Committer::add_write(std::size_t part, std::uint64_t offset, std::span<const iovec> pieces) {
  Write write;
  write.part = part;
  write.first_piece = pieces_.size();
  write.pieces = pieces.size();
  write.transfer.kind = Transfer::Kind::kWrite;
  write.transfer.block = offset / store_.device().geometry().block_bytes;
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  writes_.push_back(write);
}

// ---- under way ------------------------------------------------------------------------------------------------------

void Committer::submit() {
  if (writes_.empty()) return;
  ++commits_;
  written_ += bytes_;
  batches_ += parts_.size();
  transfers_left_ = writes_.size();
  const bool alone = writes_.size() == 1;
  for (Write& write : writes_) {
    write.committer = this;
    write.transfer.durable = alone;
    write.transfer.pieces = {pieces_.data() + write.first_piece, write.pieces};
    write.transfer.owner = &write;
    write.transfer.done = [](Transfer& transfer) {
      auto& ended = *static_cast<Write*>(transfer.owner);
      ended.committer->on_written(ended);
    };
  }
  for (Write& write : writes_) store_.device().submit(write.transfer);
}

void Committer::on_written(Write& write) {
  Part& part = parts_[write.part];
  if (write.transfer.result != 0 && part.error == 0) part.error = write.transfer.result;
  if (--transfers_left_ != 0) return;
  const bool any = std::ranges::any_of(parts_, [](const Part& one) { return one.error == 0; });
  if (writes_.size() == 1 || !any) return finish(0);
  ++flushes_;
  flushing_ = true;
  flush_ = {};
  flush_.kind = Transfer::Kind::kFlush;
  flush_.owner = this;
  flush_.done = [](Transfer& transfer) { static_cast<Committer*>(transfer.owner)->finish(transfer.result); };
  store_.device().submit(flush_);
}

void Committer::doubt(int error) {
  if (!under_way()) return;
  for (Part& part : parts_) {
    if (part.error == 0) part.error = error;
  }
}

// `error`: of the flush.
void Committer::finish(int error) {
  flushing_ = false;
  for (Part& part : parts_) {
    if (part.error == 0) part.error = error;
    settle(part);
  }
  ended_.clear();
  ended_.swap(parts_);
  // From here on another commit may begin.
  for (Part& part : ended_) {
    while (Append* const append = part.appends.pop_front()) {
      append->result = part.error;
      append->done(*append);
    }
  }
}

void Committer::settle(Part& part) {
  Log& log = *part.log;
  if (part.error == 0) {
    for (const auto& [ordinal, segment] : part.fresh) log.segments.emplace(ordinal, segment);
    if (part.from != log.end) log.jumps[log.end] = part.from;
    log.end = part.to;
    log.next = Log::kNowhere;
    return;
  }
  // What was written may be there or not: an operation that failed may have happened. The next batch goes elsewhere, into a segment that
  // says where the log ended before it.
  for (const auto& [ordinal, segment] : part.fresh) store_.free_segments().give_back(segment.number);
  const format::Layout& layout = store_.layout();
  if (part.from % layout.payload() != 0) log.next = layout.position_of(layout.ordinal_of(part.from) + 1);
}

}  // namespace demi::spdk
