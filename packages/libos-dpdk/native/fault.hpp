// Frames lost, doubled and put out of order below the stack, for tests: the same ones for the same seed.
#pragma once

#include <cstdint>
#include <string>

struct rte_mbuf;
struct rte_mempool;

namespace demi::dpdk {

struct FaultOptions {
  double drop = 0;  // share of frames, each direction
  double duplicate = 0;
  double reorder = 0;  // share of frames that are overtaken by the next
  std::uint64_t seed = 1;

  bool any() const { return drop > 0 || duplicate > 0 || reorder > 0; }
};

// "drop=0.01,duplicate=0.01,reorder=0.02,seed=7". 0 or -EINVAL.
int parse_faults(const std::string& text, FaultOptions& out);

// One direction of a port.
class Faults {
 public:
  // A frame becomes at most so many: itself, its double, and one that was held back.
  static constexpr unsigned kMost = 3;

  Faults(const FaultOptions& options, std::uint64_t direction)
      : options_(options), state_(options.seed * 2 + direction) {}
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // What becomes of a frame, in `out` (room for kMost); returns how many. Doubles come from `copies`.
  unsigned pass(rte_mbuf* frame, rte_mempool* copies, rte_mbuf** out);

 private:
  bool happens(double share);

  FaultOptions options_;
  std::uint64_t state_;
  rte_mbuf* held_ = nullptr;
};

}  // namespace demi::dpdk
