// The engine as the addon opens it, over a port of two rings in memory (net_ring): no privileges are needed, the test is the wire. It
// also plays the NIC: a frame sent to the engine is written into a buffer of the engine's own receive pool, and is missed when there is
// none. Time is the test's: lwIP's clock stands still until run() moves it, so what is printed as a seed is all there is of chance.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "application.hpp"
#include "dpdk_engine.hpp"
#include "frames.hpp"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace demi::dpdk::test {

using demi::test::Completion;

// The libOS, and an address of a peer on the same Ethernet.
inline const Mac kOurMac{2, 0, 0, 0, 0, 2};
inline Host ours(int family = 4, std::uint16_t port = 0) {
  return {kOurMac, ip(family == 6 ? "fd07::2" : "10.7.0.2", port)};
}
// Peer n: 10.7.0.100 + n or fd07::100 + n.
Host peer(int family = 4, std::uint16_t port = 0, unsigned n = 0);

class WireBed {
 public:
  static constexpr std::uint32_t kBuffers = 1024;
  static constexpr std::uint32_t kRing = 4096;  // frames that fit on the wire, each way

  explicit WireBed(const Config& changes = {});
  // close(), if it was not called.
  ~WireBed();
  WireBed(const WireBed&) = delete;
  WireBed& operator=(const WireBed&) = delete;

  // Destroys the libOS with everything pending, and REQUIREs that every buffer is back in its pool when the port is gone.
  void close();

  demi::test::Application& app() { return *app_; }
  Runtime& runtime() { return app_->runtime(); }
  std::map<std::string, double> stats() { return app_->stats(); }
  double stat(const char* name) { return stats().at(name); }

  // ---- the wire -----------------------------------------------------------------------------------------------------

  // False when the engine has no receive buffer for it: missed, as by a NIC. With `guarded` the rest of the buffer is poisoned for
  // AddressSanitizer: only for frames that do not become data of a stream, which the engine may append to.
  bool send(const Bytes& frame, bool guarded = false);
  // Buffers a NIC would find.
  std::uint32_t buffers_free() const;
  // Every frame the engine sends. Called from run() and pump().
  std::function<void(const Bytes&)> on_frame;
  // Answers ARP and neighbour solicitations for peers on the wire. On by default.
  bool answers = true;
  std::uint64_t frames_seen = 0;

  // ---- time -----------------------------------------------------------------------------------------------------------

  static std::uint32_t now();
  // Polls, a millisecond of lwIP's clock each time.
  void run(unsigned milliseconds);
  // Polls until everything on the wire was taken in, without moving the clock.
  void pump();
  // Runs until it is true, for `milliseconds` at most. Returns whether it was.
  bool until(const std::function<bool()>& reached, unsigned milliseconds = 5000);
  void jump(unsigned milliseconds);

  // ---- the application --------------------------------------------------------------------------------------------------

  // Completions, each once. Called from run() and pump().
  std::vector<std::function<void(const Completion&)>> on_completion;
  Qd socket(SocketKind kind, int family, std::uint16_t port = 0);
  Qd listener(int family, std::uint16_t port, int backlog = 64);
  Qt accept(Qd qd) { return app_->start(layout::kOpAccept, qd, 0); }
  Qt connect(Qd qd, const Address& to);
  // The completion of a token, also one that came lately; waits in lwIP's time.
  std::optional<Completion> wait(Qt qt, unsigned milliseconds = 5000);
  // A datagram to an address.
  Qt push_to(Qd qd, std::string_view data, const Address& to);

 private:
  void turn();
  void take_in(rte_mbuf* mbuf);
  void answer(const Bytes& frame);

  std::unique_ptr<demi::test::Application> app_;
  rte_ring* to_engine_ = nullptr;
  rte_ring* from_engine_ = nullptr;
  rte_mempool* pool_ = nullptr;
  std::map<Qt, Completion> done_;  // the latest, for wait()
  std::optional<Qt> awaited_;      // this one is kept
};

// Bytes the process has on its heap, lwIP's included.
std::size_t heap_bytes();

}  // namespace demi::dpdk::test
