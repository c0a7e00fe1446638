// A closed loop, measured: latencies of the counted time, and the server's CPU time at both ends of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "fabric.hpp"

namespace bare {

// Nanoseconds.
inline std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline std::int64_t cpu_nanoseconds(const std::string& pid) {
  std::int64_t value = -1;
  std::ifstream("/proc/" + pid + "/schedstat") >> value;
  if (value < 0) die("the server's CPU time cannot be read");
  return value;
}

// `load` has run(seconds), and latencies() in nanoseconds. Prints one line of JSON, microseconds.
template <typename Load>
void measure(Load& load, double seconds, double warmup, const std::string& server) {
  std::vector<std::int64_t>& latencies = load.latencies();
  latencies.reserve(static_cast<std::size_t>((seconds + warmup) * 4e6));
  load.run(warmup);
  latencies.clear();
  const std::int64_t cpu_before = cpu_nanoseconds(server);
  const std::int64_t start = now();
  load.run(seconds);
  const double elapsed = static_cast<double>(now() - start) / 1e9;
  const std::int64_t cpu = cpu_nanoseconds(server) - cpu_before;
  if (latencies.empty()) die("nothing came back");
  const auto microseconds = [&](double q) {
    const auto at = latencies.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(latencies.size() - 1));
    std::nth_element(latencies.begin(), at, latencies.end());
    return static_cast<double>(*at) / 1000;
  };
  const double p50 = microseconds(0.5);
  const double p99 = microseconds(0.99);
  std::printf("{\"requests\":%zu,\"reqPerSec\":%.1f,\"p50\":%.3f,\"p99\":%.3f,\"serverCpuNs\":%lld}\n",
              latencies.size(), static_cast<double>(latencies.size()) / elapsed, p50, p99, static_cast<long long>(cpu));
}

}  // namespace bare
