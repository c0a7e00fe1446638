#include "demi/completion_ring.hpp"

namespace demi {

CompletionRing::CompletionRing(std::int32_t* control, std::int32_t* ring, std::uint32_t entries, std::uint32_t tokens)
    : control_(control),
      ring_(ring),
      entries_(static_cast<std::int32_t>(entries)),
      tokens_(tokens),
      backlog_((static_cast<std::size_t>(tokens) + OpTable::kQuietOps) * layout::kEntryWords),
      backlog_capacity_(static_cast<std::size_t>(tokens) + OpTable::kQuietOps) {}

// A completion that found the ring full.
void CompletionRing::keep(Qt qt, std::int32_t tag, std::int32_t result, std::int32_t value) {
  // Failed quiet pushes have their own share, so that they never displace the completion of a token.
  std::uint32_t& share = qt == 0 ? backlog_quiet_ : backlog_tokens_;
  if (share == (qt == 0 ? OpTable::kQuietOps : tokens_)) [[unlikely]] {
    // More failures than quiet pushes can be outstanding: nobody reads the ring. More completions than tokens: it is corrupted.
    ++lost_;
    return;
  }
  ++share;
  std::int32_t* e = backlog_.data() + ((backlog_head_ + backlog_size_) % backlog_capacity_) * layout::kEntryWords;
  e[layout::kCqeQt] = qt;
  e[layout::kCqeResult] = result;
  e[layout::kCqeValue] = value;
  e[layout::kCqeTag] = tag;
  ++backlog_size_;
  control_[layout::kWordCqMore] = 1;
}

void CompletionRing::refill() {
  for (std::int32_t room = entries_; room != 0 && backlog_size_ != 0; --room) {
    const std::int32_t* e = backlog_.data() + backlog_head_ * layout::kEntryWords;
    backlog_head_ = (backlog_head_ + 1) % backlog_capacity_;
    --backlog_size_;
    --(e[layout::kCqeQt] == 0 ? backlog_quiet_ : backlog_tokens_);
    write(e[layout::kCqeQt], e[layout::kCqeTag], e[layout::kCqeResult], e[layout::kCqeValue]);
  }
  control_[layout::kWordCqMore] = backlog_size_ != 0 ? 1 : 0;
}

}  // namespace demi
