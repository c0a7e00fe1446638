// What the user says of a port.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "fault.hpp"

namespace demi::dpdk {

using MacAddress = std::array<std::uint8_t, 6>;

struct PortOptions {
  std::string device;             // devargs of a virtual device ("net_memif0,role=client") or a PCI address
  std::optional<MacAddress> mac;  // instead of the device's own
  std::uint16_t mtu = 1500;       // largest IP packet, bytes
  FaultOptions faults;
  std::string capture;  // file that gets all frames; empty: none
};

}  // namespace demi::dpdk
