// Opens a ring that can do what the driver needs, or says why not.
#pragma once

#include <liburing.h>

#include <string>

namespace demi::posix {

struct RingParameters {
  unsigned submissions = 512;
  unsigned completions = 8192;
  bool deferred = true;  // completions only when we enter (Linux 6.1); without, the kernel interrupts us for them
};

// 0, or a negative errno with a sentence in `message`. Does without deferred completions where the kernel has none.
int open_ring(io_uring& ring, const RingParameters& wanted, std::string& message);

}  // namespace demi::posix
