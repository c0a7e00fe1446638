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
    loaded_ = loaded_end_ = 0;
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
    const auto here = std::min<std::uint64_t>(bytes - fetched_, loaded_end_ - position_);
    std::memcpy(static_cast<std::uint8_t*>(into) + fetched_, window_.data() + (position_ - loaded_), here);
    fetched_ += here;
    position_ += here;
  }
  return true;
}

bool LogReader::fetch_data() {
  while (data_left_ != 0) {
    if (!load()) return false;
    const std::uint8_t* const from = window_.data() + (position_ - loaded_);
    const iovec& piece = pieces_[piece_];
    const auto here = std::min({static_cast<std::uint64_t>(data_left_), loaded_end_ - position_,
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
  if (position_ >= loaded_ && position_ < loaded_end_) return true;
  const format::Layout& layout = store_.layout();
  const std::uint64_t ordinal = layout.ordinal_of(position_);
  const auto segment = log_.segments.find(ordinal);
  // Behind the log's end there is nothing of it: a header that leads there is wrong.
  if (position_ >= log_.end || segment == log_.segments.end()) {
    end(-EBADMSG);
    return false;
  }
  if (window_.empty()) window_ = Blocks(store_.device(), store_.memory().window);
  if (window_.empty()) {
    end(-ENOMEM);
    return false;
  }
  const std::uint64_t from = position_ / layout.block_bytes * layout.block_bytes;
  std::uint64_t until = std::min(layout.position_of(ordinal + 1), layout.whole_blocks(log_.end));
  const std::uint64_t most =
      careful_ ? layout.block_bytes
               : std::min<std::uint64_t>(window_.size(), store_.device().geometry().most_transfer_bytes);
  until = std::min(until, from + most);
  loading_from_ = from;
  loading_end_ = until;
  loaded_ = loaded_end_ = 0;
  loading_piece_ = {window_.data(), static_cast<std::size_t>(until - from)};
  transfer_ = {};
  transfer_.kind = Transfer::Kind::kRead;
  const std::uint64_t offset = layout.segment_start(segment->second.number) + layout.offset_of(from);
  transfer_.block = offset / store_.device().geometry().block_bytes;
  transfer_.pieces = {&loading_piece_, 1};
  transfer_.owner = this;
  transfer_.done = [](Transfer& ended) { static_cast<LogReader*>(ended.owner)->on_loaded(ended.result); };
  loading_ = true;
  store_.device().submit(transfer_);
  return false;
}

void LogReader::on_loaded(int error) {
  loading_ = false;
  if (error != 0 && loading_end_ - loading_from_ > store_.layout().block_bytes) {
    // Perhaps only a block of it: one at a time then, so that whatever can be read is.
    careful_ = true;
    load();
    return;
  }
  if (error != 0) return end(error);
  loaded_ = loading_from_;
  loaded_end_ = loading_end_;
  step();
}

}  // namespace demi::spdk
