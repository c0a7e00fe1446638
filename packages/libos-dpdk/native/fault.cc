#include "fault.hpp"

#include <rte_mbuf.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace demi::dpdk {

int parse_faults(const std::string& text, FaultOptions& out) {
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const auto equals = item.find('=');
    if (equals == std::string::npos) return -EINVAL;
    const std::string name = item.substr(0, equals);
    char* end = nullptr;
    const double value = std::strtod(item.c_str() + equals + 1, &end);
    if (*end != '\0' || value < 0) return -EINVAL;
    if (name == "seed") {
      out.seed = static_cast<std::uint64_t>(value);
      continue;
    }
    if (value > 1) return -EINVAL;
    if (name == "drop") {
      out.drop = value;
    } else if (name == "duplicate") {
      out.duplicate = value;
    } else if (name == "reorder") {
      out.reorder = value;
    } else {
      return -EINVAL;
    }
  }
  return 0;
}

Faults::~Faults() { rte_pktmbuf_free(held_); }

// splitmix64: any seed gives a sequence without a pattern.
bool Faults::happens(double share) {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53 < share;
}

unsigned Faults::pass(rte_mbuf* frame, rte_mempool* copies, rte_mbuf** out) {
  // Always three draws a frame, so that one share does not shift the others' sequence.
  const bool drop = happens(options_.drop);
  const bool duplicate = happens(options_.duplicate);
  const bool reorder = happens(options_.reorder);
  unsigned n = 0;
  if (drop) {
    rte_pktmbuf_free(frame);
  } else if (reorder && held_ == nullptr) {
    held_ = frame;
    return 0;
  } else {
    if (duplicate) {
      if (rte_mbuf* copy = rte_pktmbuf_copy(frame, copies, 0, UINT32_MAX); copy != nullptr) out[n++] = copy;
    }
    out[n++] = frame;
  }
  if (held_ != nullptr) out[n++] = std::exchange(held_, nullptr);
  return n;
}

}  // namespace demi::dpdk
