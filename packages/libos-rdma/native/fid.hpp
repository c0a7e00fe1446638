// libfabric's objects, closed when they are not needed any more.
#pragma once

#include <rdma/fabric.h>

#include <memory>

namespace demi::rdma {

struct CloseFid {
  template <typename F>
  void operator()(F* fid) const {
    fi_close(&fid->fid);
  }
};
template <typename F>
using Fid = std::unique_ptr<F, CloseFid>;

struct FreeInfo {
  void operator()(fi_info* info) const { fi_freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, FreeInfo>;

}  // namespace demi::rdma
