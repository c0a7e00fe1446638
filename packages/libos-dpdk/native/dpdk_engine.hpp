// The engine of libos-dpdk: one port, one network stack, the sockets on it.
#pragma once

#include <chrono>
#include <memory>

#include "config.hpp"
#include "context.hpp"

namespace demi::dpdk {

class DpdkEngine final : public Engine {
 public:
  // For DEMI_ADDON: starts EAL and puts the arena into memory of DPDK's, with the receive buffers inside.
  static bool prepare(Limits& limits, const Config& config, std::string& message, int& error);
  static std::unique_ptr<Engine> make(Runtime& runtime, const Config& config, std::string& message, int& error);
  ~DpdkEngine() override;

  const char* name() const override { return "lwip"; }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  void poll(std::uint32_t wait_us) override;
  void flush() override;
  // No device here can wake a sleeper: while something happens the loop goes on, after that it looks once a millisecond.
  int prepare_sleep() override;
  // Acknowledgements, what is sent again, ARP, ping: nobody else answers.
  std::uint32_t tend_every_ms() const override { return kTendMs; }
  void stats(const StatSink& sink) const override;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t kTendMs = 5;

  explicit DpdkEngine(Runtime& runtime) : runtime_(runtime) {}
  bool turn();

  Runtime& runtime_;
  LcoreOfThread lcore_;
  std::unique_ptr<Port> port_;
  std::unique_ptr<NetStack> stack_;
  std::unique_ptr<Context> context_;
  // By the processor's clock.
  const std::uint64_t busy_for_ = Port::cycles_per_second() / 100;
  std::uint64_t last_arrival_ = 0;
};

}  // namespace demi::dpdk
