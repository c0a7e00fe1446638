#include "batch_writer.hpp"

#include <algorithm>
#include <cstring>

#include "crc32c.hpp"

namespace demi::spdk {

void BatchWriter::begin(std::uint64_t incarnation, std::uint64_t position) {
  incarnation_ = incarnation;
  position_ = position;
  bytes_ = 0;
  records_ = 0;
  runs_.clear();
  run_ = at_;
  head_ = staging_.data() + at_;
  const format::BatchHeader room{};
  put(&room, sizeof room);
}

void BatchWriter::add(const Append& append) {
  // A record begins where the one before has ended, on a multiple of kRecordAlign.
  static constexpr std::uint8_t kZeros[format::kMostBlock] = {};
  put(kZeros, format::to_next_record(bytes_));
  format::RecordHeader header{};
  header.length = append.length;
  const std::uint32_t salt = format::record_salt(incarnation_, position_ + bytes_);
  header.crc = salt;
  for (int i = 0; i < append.count; ++i)
    header.crc = crc32c(header.crc, append.pieces[i].iov_base, append.pieces[i].iov_len);
  // The first piece's bytes lie in the blocks as they lie in memory, so that the whole blocks of it need not be moved.
  if (append.pieces[0].iov_len > 2ull * block_) {
    const auto there = reinterpret_cast<std::uintptr_t>(append.pieces[0].iov_base) % block_;
    const auto here = (bytes_ + sizeof header) % block_;
    header.gap = static_cast<std::uint32_t>((there + block_ - here) % block_);
  }
  format::seal(header, salt);
  put(&header, sizeof header);
  put(kZeros, header.gap);
  for (int i = 0; i < append.count; ++i) put_piece(append.pieces[i]);
  ++records_;
}

void BatchWriter::put_piece(const iovec& piece) {
  const auto* from = static_cast<const std::uint8_t*>(piece.iov_base);
  std::size_t left = piece.iov_len;
  const auto there = reinterpret_cast<std::uintptr_t>(from) % block_;
  if (left > 2ull * block_ && there == bytes_ % block_) {
    const std::size_t edge = (block_ - there) % block_;
    put(from, edge);
    const std::size_t whole = (left - edge) / block_ * block_;
    copied_ += edge;
    put_in_place(from + edge, whole);
    from += edge + whole;
    left -= edge + whole;
  }
  put(from, left);
  copied_ += left;
}

void BatchWriter::put(const void* from, std::size_t bytes) {
  std::memcpy(staging_.data() + at_, from, bytes);
  at_ += bytes;
  bytes_ += bytes;
}

void BatchWriter::put_in_place(const std::uint8_t* from, std::size_t bytes) {
  close_run();
  runs_.push_back({const_cast<std::uint8_t*>(from), bytes});
  bytes_ += bytes;
  in_place_ += bytes;
}

void BatchWriter::close_run() {
  if (at_ != run_) runs_.push_back({staging_.data() + run_, at_ - run_});
  run_ = at_;
}

void BatchWriter::finish(format::BatchHeader& header) {
  header.magic = format::kBatchMagic;
  header.incarnation = incarnation_;
  header.position = position_;
  header.bytes = static_cast<std::uint32_t>(bytes_);
  header.records = records_;
  format::seal(header);
  std::memcpy(head_, &header, sizeof header);
  const std::size_t rest = (block_ - bytes_ % block_) % block_;
  std::memset(staging_.data() + at_, 0, rest);
  at_ += rest;
  bytes_ += rest;
  close_run();
}

std::uint8_t* BatchWriter::take_block() {
  std::uint8_t* const block = staging_.data() + at_;
  std::memset(block, 0, block_);
  at_ += block_;
  run_ = at_;
  return block;
}

void BatchWriter::restart() { at_ = run_ = 0; }

}  // namespace demi::spdk
