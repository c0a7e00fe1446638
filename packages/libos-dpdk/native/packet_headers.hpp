// Lengths and numbers of the headers that are looked at before lwIP sees a packet.
#pragma once

#include <cstdint>

namespace demi::dpdk {

inline constexpr std::uint32_t kIpv4Header = 20;  // RFC 791, without options
inline constexpr std::uint32_t kIpv6Header = 40;  // RFC 8200
inline constexpr std::uint8_t kTcp = 6;

}  // namespace demi::dpdk
