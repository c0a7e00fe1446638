// What the status of a command means to who asked for the operation.
#pragma once

#include "specification.hpp"

namespace demi::spdk::nvme {

// 0 or a negative errno. Base figures 92 to 95.
int to_error(Status status);

// Whether the operation may be asked for again: the controller must not have forbidden it (Base figure 91, DNR), and another try must be
// able to end otherwise.
bool may_retry(Status status);

}  // namespace demi::spdk::nvme
