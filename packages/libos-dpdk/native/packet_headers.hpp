// The headers that are looked at before lwIP sees a packet.
#pragma once

#include <cstdint>

namespace demi::dpdk {

inline constexpr std::uint32_t kIpv4Header = 20;  // RFC 791, without options
inline constexpr std::uint32_t kIpv6Header = 40;  // RFC 8200
inline constexpr std::uint8_t kTcp = 6;

// Numbers as they stand in headers, of any alignment.
inline std::uint32_t word16(const std::uint8_t* at) { return static_cast<std::uint32_t>(at[0]) << 8 | at[1]; }
inline std::uint32_t word32(const std::uint8_t* at) { return word16(at) << 16 | word16(at + 2); }

}  // namespace demi::dpdk
