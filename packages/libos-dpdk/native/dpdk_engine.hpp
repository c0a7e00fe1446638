// The engine of libos-dpdk: one port, one network stack, the sockets on it.
#pragma once

#include <memory>

#include "config.hpp"
#include "context.hpp"

namespace demi::dpdk {

class DpdkEngine final : public Engine {
 public:
  static std::unique_ptr<Engine> start(Runtime& runtime, const Options& options, Region region,
                                       const DeviceSlots& receive, Failure& failure);
  ~DpdkEngine() override;

  const char* name() const override { return "lwip"; }
  std::uint8_t provides() const override { return kStreams | kDatagrams; }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  void poll() override;
  void transmit() override;
  // No device here can wake a sleeper: while something happens the loop goes on, after that it looks once a millisecond.
  int prepare_sleep() override;
  // Acknowledgements, what is sent again, ARP, ping: nobody else answers.
  std::uint32_t tend_every_ms() const override { return kTendMs; }
  void stats(const StatSink& sink) const override;

 private:
  static constexpr std::uint32_t kTendMs = 5;

  DpdkEngine() = default;

  LcoreOfThread lcore_;
  std::unique_ptr<Port> port_;
  std::unique_ptr<NetStack> stack_;
  std::unique_ptr<Context> context_;
  // By the processor's clock.
  const std::uint64_t busy_for_ = Port::cycles_per_second() / 100;
  std::uint64_t last_arrival_ = 0;
};

// For DEMI_ADDON. EAL, lwIP and the memory of the arena are the process's: one device at a time is open, EBUSY otherwise. It is the provider
// of the arena's memory, with the receive buffers inside.
std::unique_ptr<Device> open_device(const Config& config, Failure& failure);

}  // namespace demi::dpdk
