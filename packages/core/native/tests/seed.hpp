// Random tests: a seed that is printed and can be given back (DEMI_SEED), and how long a fuzz test runs (DEMI_FUZZ_SECONDS).
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace demi::test {

// `usual`: the seed when none is given; 0: a fresh one.
inline std::uint64_t seed(const char* test, std::uint64_t usual = 0) {
  const char* given = std::getenv("DEMI_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 0)
                              : usual != 0     ? usual
                                               : std::random_device{}();
  std::printf("%s: DEMI_SEED=%llu\n", test, static_cast<unsigned long long>(value));
  std::fflush(stdout);  // a crash must not swallow it
  return value;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint32_t bits() { return static_cast<std::uint32_t>(engine_()); }
  // 0 to n - 1
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// Says when a fuzz test has run long enough: DEMI_FUZZ_SECONDS in all, shared evenly by `share` tests, 5 by default. Every test
// gets at least `least` rounds, so that none passes without having run.
class Budget {
 public:
  explicit Budget(int share, std::uint64_t least = 1000)
      : end_(std::chrono::steady_clock::now() +
             std::chrono::microseconds(static_cast<std::int64_t>(seconds() * 1e6 / share))),
        least_(least) {}
  bool left() { return rounds_++ < least_ || std::chrono::steady_clock::now() < end_; }
  std::uint64_t rounds() const { return rounds_ - 1; }

 private:
  static double seconds() {
    const char* given = std::getenv("DEMI_FUZZ_SECONDS");
    return given != nullptr ? std::strtod(given, nullptr) : 5;
  }
  std::chrono::steady_clock::time_point end_;
  std::uint64_t least_;
  std::uint64_t rounds_ = 0;
};

}  // namespace demi::test
