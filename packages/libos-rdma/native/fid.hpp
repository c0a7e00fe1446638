// libfabric's objects, closed when they are not needed any more.
#pragma once

#include <rdma/fabric.h>

#include <memory>
#include <string>

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

// Says in `message` which call failed, and why. Returns the error, a negative errno.
int call_failed(const char* call, int error, std::string& message);

// Opens one. `call` takes the place where libfabric puts it. 0, or a negative errno that `message` explains.
template <typename F, typename Call>
int open_fid(Fid<F>& out, const char* name, std::string& message, Call&& call) {
  F* fid = nullptr;
  if (const int error = call(&fid); error != 0) return call_failed(name, error, message);
  out.reset(fid);
  return 0;
}

}  // namespace demi::rdma
