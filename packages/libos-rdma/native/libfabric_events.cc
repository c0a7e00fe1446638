#include "libfabric_events.hpp"

#include <rdma/fi_errno.h>

#include <cerrno>
#include <utility>

namespace demi::rdma {

int LibfabricEvents::open(fid_fabric& fabric, std::string& message) {
  fi_eq_attr attributes{};
  attributes.wait_obj = FI_WAIT_FD;
  return open_fid(queue_, "fi_eq_open", message,
                  [&](auto** fid) { return fi_eq_open(&fabric, &attributes, fid, nullptr); });
}

void LibfabricEvents::close() {
  kept_.clear();
  queue_.reset();
}

bool LibfabricEvents::next(LibfabricEvent& out) {
  if (kept_.empty()) return read(out);
  out = std::move(kept_.front());
  kept_.pop_front();
  return true;
}

bool LibfabricEvents::read(LibfabricEvent& out) {
  alignas(fi_eq_cm_entry) std::uint8_t bytes[sizeof(fi_eq_cm_entry) + 256];
  const ssize_t n = fi_eq_read(queue_.get(), &out.kind, bytes, sizeof bytes, 0);
  if (n == -FI_EAVAIL) {
    // Asked for without room for data: libfabric then lends its own until the next call.
    fi_eq_err_entry entry{};
    if (fi_eq_readerr(queue_.get(), &entry, 0) < 0) return false;
    out.kind = 0;
    out.of = entry.fid;
    out.error = entry.err == 0 || entry.err > 255 ? -EIO : -entry.err;
    const auto* const data = static_cast<const std::uint8_t*>(entry.err_data);
    if (data != nullptr) out.data.assign(data, data + entry.err_data_size);
    return true;
  }
  if (n < static_cast<ssize_t>(sizeof(fi_eq_cm_entry))) return false;
  const auto* const entry = reinterpret_cast<const fi_eq_cm_entry*>(bytes);
  out.of = entry->fid;
  if (out.kind == FI_CONNREQ) out.info.reset(entry->info);
  const std::uint8_t* const data = entry->data;
  out.data.assign(data, static_cast<const std::uint8_t*>(bytes) + n);
  return true;
}

std::vector<Info> LibfabricEvents::take_requests(const fid& listener) {
  for (LibfabricEvent event; read(event); event = {}) kept_.push_back(std::move(event));
  std::vector<Info> requests;
  std::erase_if(kept_, [&](LibfabricEvent& event) {
    if (event.kind != FI_CONNREQ || event.of != &listener) return false;
    requests.push_back(std::move(event.info));
    return true;
  });
  return requests;
}

void LibfabricEvents::forget(const fid& of) {
  std::erase_if(kept_, [&](const LibfabricEvent& event) { return event.of == &of; });
}

}  // namespace demi::rdma
