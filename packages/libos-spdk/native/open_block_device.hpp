// Devices by name: "file:PATH[,size=1GiB]", "nvme:0000:01:00.0[,ns=1][,timeout=30]", and "spdk:" with the same behind it.
#pragma once

#include <memory>
#include <string>

#include "block_device.hpp"

namespace demi::spdk {

// EINVAL: no such name; EOPNOTSUPP: this build does not have it; EBUSY: another process, driver, or libOS of this process has the device.
// nullptr and why on failure.
std::unique_ptr<BlockDevice> open_block_device(const std::string& name, Failure& failure);

// "64KiB", "1GiB", "4096": bytes. False: no size.
bool read_size(const std::string& text, std::uint64_t& bytes);

}  // namespace demi::spdk
