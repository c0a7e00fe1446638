// SPDK's environment, which is DPDK's EAL: it exists once in a process and for as long as it lives. The first device starts it.
#pragma once

#include <string>

#include "demi/failure.hpp"

namespace demi::spdk {

// `physical`: a device is to be opened that no IOMMU stands before, which finds memory by its physical address.
// EBUSY: DPDK runs in this process for somebody else. What went wrong once goes wrong again in the same process, with the same sentence.
bool start_environment(bool physical, Failure& failure);

// What SPDK has said of errors since it was asked last: its functions give a number or nullptr, and the cause stands in its log.
std::string said_of_errors();

}  // namespace demi::spdk
