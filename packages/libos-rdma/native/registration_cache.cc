#include "registration_cache.hpp"

#include <cstdlib>
#include <mutex>

namespace demi::rdma {

void disable_registration_cache() {
  // Once: setenv() may move the environment while other threads read it.
  static std::once_flag done;
  std::call_once(done, [] { ::setenv("FI_MR_CACHE_MONITOR", "disabled", 0); });
}

}  // namespace demi::rdma
