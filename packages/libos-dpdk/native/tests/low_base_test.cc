// Where the memory of a PCI device begins: low_base() on the mappings of made-up processes.
#include "low_base.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

namespace low_base_test {

using demi::dpdk::low_base;

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;

// The base for a process with mappings of these lines; of each only the addresses count.
std::uint64_t base_of(const std::string& maps) {
  std::istringstream lines(maps);
  return low_base(lines);
}

}  // namespace

TEST_CASE("with nothing in the way memory begins above 4 GiB, with room below for EAL's configuration") {
  CHECK(base_of("") == 5 * kGiB);
  CHECK(base_of("00400000-04c00000 r-xp 00000000 00:01 7 /usr/bin/node\n"
                "7f0000000000-7f0000021000 rw-p 00000000 00:00 0\n"
                "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n") == 5 * kGiB);
}

TEST_CASE("a mapping of V8's in the way leaves the larger side") {
  // At 5 GiB, where the first memory segments would go.
  CHECK(base_of("140000000-140040000 rw-p 00000000 00:00 0\n") == 6 * kGiB);
  // At 128 GiB: 384 GiB behind it.
  CHECK(base_of("2000000000-2000040000 rw-p 00000000 00:00 0\n") == 129 * kGiB);
  // At 448 GiB: more before it.
  CHECK(base_of("7000000000-7000040000 rw-p 00000000 00:00 0\n") == 5 * kGiB);
}

TEST_CASE("of several gaps the largest is taken, and mappings that overlap its ends count") {
  const std::string maps =
      "0c0000000-180000000 rw-p 00000000 00:00 0\n"    // 3 to 6 GiB
      "1900000000-2000000000 rw-p 00000000 00:00 0\n"  // 100 to 128 GiB
      "4b00000000-4b00001000 rw-p 00000000 00:00 0\n"  // 300 GiB
      "7f00000000-8100000000 rw-p 00000000 00:00 0\n"  // 508 to 516 GiB
      "8100000000-8100001000 rw-p 00000000 00:00 0\n";
  CHECK(base_of(maps) == 301 * kGiB);
}

TEST_CASE("what a mapping covers whole has no gap") {
  CHECK(base_of("7fff8000-10007fff8000 rw-p 00000000 00:00 0\n") == 0);  // AddressSanitizer's shadow
}

}  // namespace low_base_test
