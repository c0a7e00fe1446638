#include "fid.hpp"

#include <rdma/fi_errno.h>

namespace demi::rdma {

int call_failed(const char* call, int error, std::string& message) {
  message = std::string(call) + ": " + fi_strerror(-error);
  return error;
}

}  // namespace demi::rdma
