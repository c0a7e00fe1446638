#include "libfabric_completions.hpp"

#include <poll.h>
#include <rdma/fi_errno.h>

namespace demi::rdma {

namespace {

constexpr int kBatch = 128;
constexpr std::size_t kFewObjects = 32;

}  // namespace

int LibfabricCompletions::open(fid_domain& domain, bool tcp, std::size_t entries, std::string& message) {
  fi_cq_attr attributes{};
  attributes.size = entries;
  attributes.format = FI_CQ_FORMAT_MSG;
  attributes.wait_obj = tcp ? FI_WAIT_NONE : FI_WAIT_FD;
  const auto make = [&](auto** fid) { return fi_cq_open(&domain, &attributes, fid, nullptr); };
  if (const int error = open_fid(completions_, "fi_cq_open", message, make); error != 0 || !tcp) return error;
  attributes.wait_obj = FI_WAIT_FD;
  return open_fid(sends_, "fi_cq_open", message, make);
}

void LibfabricCompletions::close() {
  sends_.reset();
  completions_.reset();
}

int LibfabricCompletions::bind(fid_ep& endpoint) {
  const std::uint64_t both = FI_TRANSMIT | FI_RECV;
  const int error = fi_ep_bind(&endpoint, &completions_->fid, sends_ ? FI_RECV : both);
  return error != 0 || !sends_ ? error : fi_ep_bind(&endpoint, &sends_->fid, FI_TRANSMIT);
}

bool LibfabricCompletions::read(bool thorough, std::size_t objects) {
  const bool due = sending_ != 0 || thorough;
  const bool sent = sends_ && due && read(*sends_);
  if (!due && emptied_ && objects > kFewObjects && quiet()) return false;
  return read(*completions_) || sent;
}

// A look at one descriptor instead of all: a queue that cannot be waited on asks each socket in turn.
bool LibfabricCompletions::quiet() const {
  if (!sends_) return false;
  pollfd bell{.fd = wait_fd_, .events = POLLIN, .revents = 0};
  return ::poll(&bell, 1, 0) == 0;
}

bool LibfabricCompletions::read(fid_cq& queue) {
  fi_cq_msg_entry entries[kBatch];
  const ssize_t n = fi_cq_read(&queue, entries, kBatch);
  if (n == -FI_EAVAIL) {
    emptied_ = false;
    on_error(queue);
    return true;
  }
  emptied_ = n < kBatch;
  for (ssize_t i = 0; i < n; ++i) {
    auto* const work = static_cast<Work*>(entries[i].op_context);
    WorkEvents* const owner = work->owner;
    if (owner == nullptr) continue;
    if (work->is_send()) {
      if (work->sends != nullptr) {
        --*std::exchange(work->sends, nullptr);
        --sending_;
      }
      owner->on_sent(*work);
    } else {
      arrived_ = true;
      owner->on_received(*work, static_cast<std::uint32_t>(entries[i].len));
    }
  }
  return n > 0;
}

void LibfabricCompletions::on_error(fid_cq& queue) {
  fi_cq_err_entry entry{};
  if (fi_cq_readerr(&queue, &entry, 0) < 1) return;
  auto* const work = static_cast<Work*>(entry.op_context);
  if (work == nullptr || work->owner == nullptr) return;
  work->owner->on_failed(entry.err == 0 || entry.err > 255 ? -EIO : -entry.err);
}

}  // namespace demi::rdma
