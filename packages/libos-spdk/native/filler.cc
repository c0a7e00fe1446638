#include "filler.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "store.hpp"

namespace demi::spdk {

bool Filler::pays() {
  FreeSegments& free = store_.free_segments();
  if (free.untouched() == 0 || free.written() * store_.layout().segment_bytes >= kAhead) return false;
  const Committer& committer = store_.committer();
  const std::uint64_t commits = committer.commits() - commits_;
  if (commits < kCommits) return false;
  const std::uint64_t bytes = committer.written() - bytes_;
  commits_ += commits;
  bytes_ += bytes;
  return bytes <= commits * kSmall;
}

void Filler::begin() {
  if (stopped_ || under_way() || !pays()) return;
  if (zeros_.empty()) {
    zeros_ = Blocks(store_.device(), kPiece);
    if (zeros_.empty()) return stop();
    std::memset(zeros_.data(), 0, zeros_.size());
  }
  FreeSegments& free = store_.free_segments();
  const std::size_t most = std::max<std::size_t>(1, kAtOnce / store_.layout().segment_bytes);
  // Of more than one not all: a log may need one meanwhile.
  for (std::size_t n = std::min(most, (free.untouched() + 1) / 2); n != 0; --n)
    segments_.push_back(free.take_untouched());
  segment_ = at_ = 0;
  next();
}

// A piece of zeros, or what makes all of them durable.
void Filler::next() {
  const format::Layout& layout = store_.layout();
  transfer_ = {};
  transfer_.owner = this;
  if (segment_ == segments_.size()) {
    transfer_.kind = Transfer::Kind::kFlush;
    transfer_.done = [](Transfer& flush) {
      auto& filler = *static_cast<Filler*>(flush.owner);
      if (flush.result != 0) filler.store_.committer().doubt(flush.result);
      filler.end(flush.result);
    };
  } else {
    const std::size_t most = std::min<std::size_t>(kPiece, store_.device().geometry().most_transfer_bytes);
    piece_ = {zeros_.data(), std::min(most, layout.segment_bytes - at_)};
    transfer_.kind = Transfer::Kind::kWrite;
    transfer_.block = (layout.segment_start(segments_[segment_]) + at_) / store_.device().geometry().block_bytes;
    transfer_.pieces = {&piece_, 1};
    at_ += piece_.iov_len;
    if (at_ == layout.segment_bytes) {
      at_ = 0;
      ++segment_;
    }
    transfer_.done = [](Transfer& write) {
      auto& filler = *static_cast<Filler*>(write.owner);
      if (write.result != 0 || filler.stopped_) return filler.end(write.result != 0 ? write.result : -ECANCELED);
      filler.next();
    };
  }
  store_.device().submit(transfer_);
}

// They are free again. What cannot be filled can perhaps be written: whoever does is told why not.
void Filler::end(std::int32_t result) {
  FreeSegments& free = store_.free_segments();
  if (result != 0) stop();
  for (const std::uint32_t segment : segments_) {
    if (result == 0) free.touch(segment);
    free.give_back(segment);
  }
  if (result == 0) filled_ += segments_.size();
  segments_.clear();
}

}  // namespace demi::spdk
