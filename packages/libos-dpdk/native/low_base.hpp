// Where DPDK's memory goes in the address space of a process that drives a PCI device.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace demi::dpdk {

// Where the memory of a PCI device should begin, so that an IOMMU of 39 bits reaches it: in the largest gap that these mappings, as
// in /proc/self/maps, leave between 4 and 512 GiB. 0 when there is no such gap, as under AddressSanitizer.
std::uint64_t low_base(std::istream& maps);

}  // namespace demi::dpdk
