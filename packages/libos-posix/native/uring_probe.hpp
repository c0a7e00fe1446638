// Opens a ring that can do what the driver needs, or says why not.
#pragma once

#include <liburing.h>

#include <string>

namespace demi::posix {

// 0, or a negative errno with a sentence in `message`. Tries with deferred completions (Linux 6.1) first, then without.
int open_ring(io_uring& ring, unsigned submissions, unsigned completions, std::string& message);

}  // namespace demi::posix
