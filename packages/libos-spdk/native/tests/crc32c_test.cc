#include <doctest/doctest.h>

#include <vector>

#include "../crc32c.hpp"
#include "seed.hpp"

namespace crc32c_test {

using demi::spdk::crc32c;
using demi::spdk::crc32c_by_table;

TEST_CASE("CRC-32C of RFC 3720's examples") {
  std::vector<std::uint8_t> bytes(32, 0);
  CHECK(crc32c(0, bytes.data(), bytes.size()) == 0x8a9136aa);
  bytes.assign(32, 0xff);
  CHECK(crc32c(0, bytes.data(), bytes.size()) == 0x62a8ab43);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  CHECK(crc32c(0, bytes.data(), bytes.size()) == 0x46dd794e);
  CHECK(crc32c_by_table(0, bytes.data(), bytes.size()) == 0x46dd794e);
}

TEST_CASE("CRC-32C is the same by the instruction and by tables, from any place on, and in parts") {
  demi::test::Random random(demi::test::seed("crc32c"));
  std::vector<std::uint8_t> bytes(5000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.bits());
  for (int n = 0; n < 500; ++n) {
    const std::size_t from = random.below(100);
    const std::size_t count = random.below(4000);
    const std::size_t cut = random.below(static_cast<std::uint32_t>(count) + 1);
    const std::uint32_t whole = crc32c(0, bytes.data() + from, count);
    REQUIRE(whole == crc32c_by_table(0, bytes.data() + from, count));
    const std::uint32_t head = crc32c(0, bytes.data() + from, cut);
    REQUIRE(whole == crc32c(head, bytes.data() + from + cut, count - cut));
  }
}

}  // namespace crc32c_test
