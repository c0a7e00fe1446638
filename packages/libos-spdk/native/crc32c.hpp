// CRC-32C (Castagnoli; RFC 3720, appendix B.4), by the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace demi::spdk {

// Of `bytes` bytes behind what `crc` is of; 0 for the first.
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t bytes);

// Without the instruction: for tests, and for processors that have none.
std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t bytes);

}  // namespace demi::spdk
