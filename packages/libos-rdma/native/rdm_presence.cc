#include "rdm_presence.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace demi::rdma {

namespace {

struct Present {
  static inline std::mutex mutex;
  static inline std::map<std::string, std::shared_ptr<RdmPresence>> all;
};

}  // namespace

std::shared_ptr<RdmPresence> RdmPresence::add(const std::string& name) {
  const std::lock_guard lock(Present::mutex);
  return Present::all[name] = std::make_shared<RdmPresence>();
}

std::shared_ptr<RdmPresence> RdmPresence::find(const std::string& name) {
  const std::lock_guard lock(Present::mutex);
  const auto found = Present::all.find(name);
  return found == Present::all.end() ? nullptr : found->second;
}

void RdmPresence::leave(const std::string& name, RdmObjects objects) {
  {
    const std::lock_guard lock(Present::mutex);
    Present::all.erase(name);
  }
  const std::unique_lock lock(lock_);
  here_ = false;
  left_ = std::move(objects);
}

}  // namespace demi::rdma
