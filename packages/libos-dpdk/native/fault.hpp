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
  // One in this many TCP segments with data is lost, without chance. 0: no segment is.
  std::uint32_t lose_sent = 0;
  std::uint32_t lose_received = 0;

  bool any() const { return drop > 0 || duplicate > 0 || reorder > 0 || lose_sent != 0 || lose_received != 0; }
};

// "drop=0.01,duplicate=0.01,reorder=0.02,seed=7,lose-sent=100,lose-received=100". 0 or -EINVAL.
int parse_faults(const std::string& text, FaultOptions& out);

// One direction of a port.
class Faults {
 public:
  // A frame becomes at most this many: itself, its double, and one that was held back.
  static constexpr unsigned kMost = 3;

  // `direction`: 0 received, 1 sent.
  Faults(const FaultOptions& options, std::uint64_t direction)
      : options_(options),
        state_(options.seed * 2 + direction),
        lose_(direction == 0 ? options.lose_received : options.lose_sent) {}
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // What becomes of a frame, in `out` (room for kMost); returns how many. Doubles come from `copies`.
  unsigned pass(rte_mbuf* frame, rte_mempool* copies, rte_mbuf** out);

 private:
  bool happens(double share);

  FaultOptions options_;
  std::uint64_t state_;
  std::uint32_t lose_;
  std::uint32_t with_data_ = 0;  // segments, since one was lost
  rte_mbuf* held_ = nullptr;
};

}  // namespace demi::dpdk
