// Devices by name: "file:PATH[,size=1GiB]".
#pragma once

#include <memory>
#include <string>

#include "block_device.hpp"

namespace demi::spdk {

// EINVAL: no such name; EBUSY: another process, or another libOS of this one, has the device. nullptr and why on failure.
std::unique_ptr<BlockDevice> open_block_device(const std::string& name, Failure& failure);

// "64KiB", "1GiB", "4096": bytes. False: no size.
bool read_size(const std::string& text, std::uint64_t& bytes);

}  // namespace demi::spdk
