// The engine of libos-dpdk: one port, one network stack, the sockets on it.
#pragma once

#include <chrono>
#include <memory>

#include "config.hpp"
#include "sockets.hpp"

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
  void stats(const StatSink& sink) const override;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBusyFor{10};

  explicit DpdkEngine(Runtime& runtime) : runtime_(runtime) {}
  bool turn();
  void flush_sockets();

  Runtime& runtime_;
  LcoreOfThread lcore_;
  std::unique_ptr<Port> port_;
  std::unique_ptr<NetStack> stack_;
  std::unique_ptr<Sockets> sockets_;
  Clock::time_point last_arrival_{};
};

}  // namespace demi::dpdk
