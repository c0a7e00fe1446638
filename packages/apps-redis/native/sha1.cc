#include "sha1.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace demi::script {
namespace {

struct Sha1 {
  std::uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

  void block(const std::uint8_t* bytes) {
    std::uint32_t w[80];
    for (int i = 0; i < 16; ++i) {
      w[i] = static_cast<std::uint32_t>(bytes[4 * i]) << 24 | static_cast<std::uint32_t>(bytes[4 * i + 1]) << 16 |
             static_cast<std::uint32_t>(bytes[4 * i + 2]) << 8 | bytes[4 * i + 3];
    }
    for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    std::uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; ++i) {
      std::uint32_t f, k;
      if (i < 20) {
        f = (b & c) | (~b & d), k = 0x5a827999;
      } else if (i < 40) {
        f = b ^ c ^ d, k = 0x6ed9eba1;
      } else if (i < 60) {
        f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
      } else {
        f = b ^ c ^ d, k = 0xca62c1d6;
      }
      const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
      e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
};

}  // namespace

void sha1_hex(const void* data, std::size_t length, char* digest) {
  Sha1 sha1;
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  std::size_t left = length;
  for (; left >= 64; left -= 64, bytes += 64) sha1.block(bytes);
  std::uint8_t last[128] = {};
  if (left != 0) std::memcpy(last, bytes, left);
  last[left] = 0x80;
  const std::size_t end = left < 56 ? 64 : 128;
  const std::uint64_t bits = static_cast<std::uint64_t>(length) * 8;
  for (int i = 0; i < 8; ++i) last[end - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
  sha1.block(last);
  if (end == 128) sha1.block(last + 64);
  for (int i = 0; i < 40; ++i) digest[i] = "0123456789abcdef"[sha1.h[i / 8] >> (28 - 4 * (i % 8)) & 15];
  digest[40] = 0;
}

}  // namespace demi::script
