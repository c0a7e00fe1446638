// Memory that a device without an IOMMU reaches: it lies in one piece for 2 MiB at a time, and stays where it is.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "demi/failure.hpp"
#include "demi/mapping.hpp"

namespace demi::spdk::nvme {

constexpr std::size_t kHugePage = 2u << 20;

// Whole pages, zeroed. ENOMEM: so many are not free, for the device at `address`. nullptr and why on failure.
std::shared_ptr<Mapping> huge_pages(std::size_t bytes, const std::string& address, Failure& failure);

}  // namespace demi::spdk::nvme
