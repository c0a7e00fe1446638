#include "crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace demi::spdk {

namespace {

constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;

// tables[k][b]: what the byte b does to the sum, k bytes later. Eight bytes a step ("slicing by 8", Kounavis and Berry 2005).
constexpr auto make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
  }
  return tables;
}
constexpr auto kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const std::uint8_t* data,
                                                               std::size_t bytes) {
  std::uint64_t sum = ~crc;
  for (; bytes >= 8; bytes -= 8, data += 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    sum = _mm_crc32_u64(sum, word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (; bytes != 0; --bytes) rest = _mm_crc32_u8(rest, *data++);
  return ~rest;
}
bool has_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
std::uint32_t by_instruction(std::uint32_t crc, const std::uint8_t* data, std::size_t bytes) {
  std::uint32_t sum = ~crc;
  for (; bytes >= 8; bytes -= 8, data += 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    sum = __crc32cd(sum, word);
  }
  for (; bytes != 0; --bytes) sum = __crc32cb(sum, *data++);
  return ~sum;
}
bool has_instruction() { return true; }
#else
std::uint32_t by_instruction(std::uint32_t crc, const std::uint8_t* data, std::size_t bytes) {
  return crc32c_by_table(crc, data, bytes);
}
bool has_instruction() { return false; }
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t bytes) {
  if (!has_instruction()) return crc32c_by_table(crc, data, bytes);
  return by_instruction(crc, static_cast<const std::uint8_t*>(data), bytes);
}

std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::uint8_t*>(data);
  std::uint32_t sum = ~crc;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    const std::uint32_t low =
        sum ^ (at[0] | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24);
    sum = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][at[4]] ^ kTables[2][at[5]] ^ kTables[1][at[6]] ^ kTables[0][at[7]];
  }
  for (; bytes != 0; --bytes) sum = (sum >> 8) ^ kTables[0][(sum ^ *at++) & 0xff];
  return ~sum;
}

}  // namespace demi::spdk
