#include "log_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "crc32c.hpp"

namespace demi::spdk {

void LogReader::seek(std::uint64_t position) {
  cursor_ = position_ = position;
  // Where the log ends, a batch begins.
  state_ = position == log_.end ? State::kBatch : State::kFind;
  fetched_ = 0;
}

void LogReader::read() {
  busy_ = true;
  if (cursor_ < log_.start) seek(log_.start);
  step();
}

void LogReader::end(std::int32_t result) {
  careful_ = false;
  if (result < 0) {
    // From the medium again the next time.
    discard();
    const bool given_back = cursor_ < log_.start;  // meanwhile, and perhaps it is another's already
    seek(std::max(cursor_, log_.start));
    if (given_back) return step();
  }
  busy_ = false;
  sink_.on_read(result);
}

// As far as what is in the window allows.
void LogReader::step() {
  for (;;) {
    if (state_ == State::kFind && !find()) return;
    if (state_ == State::kBatch) {
      // At the end of what is durable, or of what was when this reader came here.
      if (fetched_ == 0) position_ = log_.resume(position_);
      if (fetched_ == 0 && position_ >= log_.end) {
        cursor_ = position_ = log_.end;
        return end(0);
      }
      if (!fetch(&batch_header_, sizeof batch_header_)) return;
      if (const int error = begin_batch(); error != 0) return end(error);
      continue;
    }
    if (state_ == State::kRecord) {
      if (!fetch(&record_, sizeof record_)) return;
      if (const int error = begin_record(); error != 0) return end(error);
      if (state_ != State::kData) continue;
    }
    if (state_ == State::kData) {
      if (!fetch_data()) return;
      if (crc_ != record_.crc) return end(-EBADMSG);
      next_record();
      cursor_ = position_;
      return end(static_cast<std::int32_t>(record_.length));
    }
  }
}

// Where the batch of the cursor begins: from the first that begins in its segment, or in one before, it is reached from batch to batch.
bool LogReader::find() {
  const format::Layout& layout = store_.layout();
  if (cursor_ >= log_.end) {
    end(0);
    return false;
  }
  for (auto it = log_.segments.upper_bound(layout.ordinal_of(cursor_)); it != log_.segments.begin();) {
    --it;
    if (it->second.first_batch == format::kNone) continue;
    const std::uint64_t first = layout.position_of(it->first) + it->second.first_batch - layout.block_bytes;
    if (first > cursor_) continue;
    position_ = first;
    state_ = State::kBatch;
    fetched_ = 0;
    return true;
  }
  end(-EBADMSG);
  return false;
}

int LogReader::begin_batch() {
  const format::BatchHeader& header = batch_header_;
  const std::uint32_t block = store_.layout().block_bytes;
  batch_ = position_ - sizeof header;
  fetched_ = 0;
  if (!is_batch(header)) {
    // On the way to the cursor: where the next one begins is seen when it is there. At the cursor there is none.
    if (batch_ + block > cursor_) return -EBADMSG;
    position_ = batch_ + block;
    return 0;
  }
  batch_end_ = batch_ + header.bytes;
  const std::uint64_t next = batch_ + store_.layout().whole_blocks(header.bytes);
  state_ = State::kRecord;
  if (next <= cursor_) {
    // None of its records is wanted.
    next_batch();
  } else if (cursor_ > position_ && (cursor_ - batch_) % format::kRecordAlign == 0) {
    // Most likely one begins there: whoever knows the position has it from lseek().
    position_ = cursor_;
    guessing_ = true;
  }
  return 0;
}

bool LogReader::is_batch(const format::BatchHeader& header) const {
  return format::is_batch(header, store_.identity(), log_.incarnation, batch_) &&
         batch_ + store_.layout().whole_blocks(header.bytes) <= log_.end;
}

void LogReader::next_batch() {
  position_ = batch_ + store_.layout().whole_blocks(batch_header_.bytes);
  state_ = State::kBatch;
  fetched_ = 0;
}

// Behind a record.
void LogReader::next_record() {
  state_ = State::kRecord;
  position_ += format::to_next_record(position_ - batch_);
  if (position_ + sizeof record_ > batch_end_) next_batch();
}

int LogReader::begin_record() {
  const std::uint64_t begins = position_ - sizeof record_;
  const std::uint32_t salt = format::record_salt(log_.incarnation, begins);
  fetched_ = 0;
  const bool whole = format::is_whole(record_, salt) && position_ + record_.gap + record_.length <= batch_end_;
  if (!whole && std::exchange(guessing_, false)) {
    position_ = batch_ + sizeof batch_header_;
    return 0;
  }
  guessing_ = false;
  if (!whole) return -EBADMSG;
  position_ += record_.gap;
  if (begins < cursor_) {
    position_ += record_.length;
    next_record();
    return 0;
  }
  cursor_ = begins;
  if (const int error = sink_.room(record_.length, pieces_, count_); error != 0) return error;
  crc_ = salt;
  data_left_ = record_.length;
  piece_ = 0;
  piece_at_ = 0;
  state_ = State::kData;
  return 0;
}

// ---- bytes ----------------------------------------------------------------------------------------------------------

// True: all of it is there. Else what there was is kept, and the rest is on its way.
bool LogReader::fetch(void* into, std::size_t bytes) {
  while (fetched_ < bytes) {
    if (!load()) return false;
    const auto here = std::min<std::uint64_t>(bytes - fetched_, window().end - position_);
    std::memcpy(static_cast<std::uint8_t*>(into) + fetched_, window().memory.data() + (position_ - window().from),
                here);
    fetched_ += here;
    position_ += here;
  }
  return true;
}

bool LogReader::fetch_data() {
  while (data_left_ != 0) {
    if (!load()) return false;
    const std::uint8_t* const from = window().memory.data() + (position_ - window().from);
    const iovec& piece = pieces_[piece_];
    const auto here = std::min({static_cast<std::uint64_t>(data_left_), window().end - position_,
                                static_cast<std::uint64_t>(piece.iov_len - piece_at_)});
    std::memcpy(static_cast<std::uint8_t*>(piece.iov_base) + piece_at_, from, here);
    crc_ = crc32c(crc_, from, here);
    position_ += here;
    piece_at_ += here;
    data_left_ -= static_cast<std::uint32_t>(here);
    if (piece_at_ == piece.iov_len) {
      ++piece_;
      piece_at_ = 0;
    }
  }
  return true;
}

// True: the window has the byte at position_. False: it is on its way, or the read has ended.
bool LogReader::load() {
  if (window().has(position_)) return true;
  if (Window& next = window(1); next.has(position_)) {
    if (next.loading) {
      awaited_ = &next;
      return false;
    }
    current_ = (current_ + 1) % kWindows;
    read_ahead();
    return true;
  }
  const std::uint64_t end_before = window().end;
  const bool reads_on =
      end_before != 0 && position_ >= end_before && position_ - end_before < store_.layout().block_bytes;
  // Behind the log's end there is nothing of it: a header that leads there is wrong.
  if (const int error = position_ >= log_.end ? -EBADMSG : start(window(), position_); error != 0) {
    end(error);
    return false;
  }
  awaited_ = &window();
  if (reads_on) read_ahead();
  return false;
}

// What comes behind the window, unless it is there or on its way. Whoever jumps about does not get here.
void LogReader::read_ahead() {
  if (careful_) return;
  for (std::size_t ahead = 1; ahead < kWindows; ++ahead) {
    const std::uint64_t from = window(ahead - 1).end;
    Window& next = window(ahead);
    if (next.end != 0 && next.from == from) continue;
    if (next.loading) return;
    next.from = next.end = 0;
    if (from == 0 || from >= log_.end || start(next, from) != 0) return;
  }
}

// EBADMSG: there is no such segment.
int LogReader::start(Window& window, std::uint64_t position) {
  const format::Layout& layout = store_.layout();
  const std::uint64_t ordinal = layout.ordinal_of(position);
  const auto segment = log_.segments.find(ordinal);
  if (segment == log_.segments.end()) return -EBADMSG;
  if (window.memory.empty()) window.memory = Blocks(store_.device(), store_.memory().window);
  if (window.memory.empty()) return -ENOMEM;
  window.from = position / layout.block_bytes * layout.block_bytes;
  const std::uint64_t most =
      careful_ ? layout.block_bytes
               : std::min<std::uint64_t>(window.memory.size(), store_.device().geometry().most_transfer_bytes);
  window.end = std::min({layout.position_of(ordinal + 1), layout.whole_blocks(log_.end), window.from + most});
  window.loading = true;
  window.discarded = false;
  window.reader = this;
  window.piece = {window.memory.data(), static_cast<std::size_t>(window.end - window.from)};
  window.transfer = {};
  window.transfer.kind = Transfer::Kind::kRead;
  const std::uint64_t offset = layout.segment_start(segment->second.number) + layout.offset_of(window.from);
  window.transfer.block = offset / store_.device().geometry().block_bytes;
  window.transfer.pieces = {&window.piece, 1};
  window.transfer.owner = &window;
  window.transfer.done = [](Transfer& ended) {
    auto& one = *static_cast<Window*>(ended.owner);
    one.reader->on_loaded(one, ended.result);
  };
  store_.device().submit(window.transfer);
  return 0;
}

void LogReader::discard() {
  for (Window& window : windows_) {
    if (window.loading) window.discarded = true;
    window.from = window.end = 0;
  }
}

void LogReader::on_loaded(Window& window, int error) {
  const bool is_large = window.end - window.from > store_.layout().block_bytes;
  window.loading = false;
  if (error != 0 || window.discarded) window.from = window.end = 0;
  if (awaited_ != &window) return;
  awaited_ = nullptr;
  if (error != 0 && &window == &this->window()) {
    if (!is_large) return end(error);
    // Perhaps only a block of it: one at a time then, so that whatever can be read is.
    careful_ = true;
  }
  step();
}

}  // namespace demi::spdk
