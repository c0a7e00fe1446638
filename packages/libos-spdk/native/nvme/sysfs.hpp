// What the kernel says of a PCI device below /sys/bus/pci/devices.
#pragma once

#include <cstdint>
#include <string>

namespace demi::spdk::nvme::sysfs {

// "0000:01:00.0", in lower case: nothing that could lead elsewhere in the file system.
bool is_address(const std::string& text);
std::string path(const std::string& address, const std::string& file);
// A file with one number: false if there is none.
bool read_number(const std::string& address, const std::string& file, std::uint32_t& out);
// The last part of what a link points to; empty without one.
std::string link(const std::string& address, const std::string& name);
// Who drives it; empty if nobody does.
inline std::string driver(const std::string& address) { return link(address, "driver"); }

}  // namespace demi::spdk::nvme::sysfs
