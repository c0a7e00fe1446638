#include "work_pool.hpp"

namespace demi::rdma {

void WorkPool::make(std::uint32_t works) {
  size_ = works;
  works_ = std::make_unique<Work[]>(works);
  free_.reserve(works);
  for (std::uint32_t n = works; n-- > 0;) free_.push_back(&works_[n]);
}

}  // namespace demi::rdma
