// The engine of libos-rdma: one fabric, and the sockets on it.
#pragma once

#include <memory>

#include "config.hpp"
#include "connection.hpp"

namespace demi::rdma {

class RdmaEngine final : public Engine {
 public:
  static std::unique_ptr<Engine> start(Runtime& runtime, Options options, Region region, Failure& failure);
  ~RdmaEngine() override;

  const char* name() const override { return fabric_->provider(); }
  std::uint8_t provides() const override { return kStreams | kDatagrams; }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  bool map(std::span<std::uint8_t> memory, Failure& failure) override;
  void poll() override;
  int sleep_fd() override { return fabric_->wait_fd(); }
  int prepare_sleep() override;
  bool polls_memory() const override { return fabric_->wait_fd() < 0; }
  // Requests to connect, credits, goodbyes: nobody else answers.
  std::uint32_t tend_every_ms() const override { return 5; }
  void stats(const StatSink& sink) const override;

 private:
  static constexpr std::chrono::milliseconds kBusyFor{10};
  static constexpr int kLooks = 16;

  RdmaEngine() = default;
  bool turn();
  bool at_rest() const;
  void tend();
  void sweep();

  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<Context> context_;
  bool busy_ = false;  // something happened since prepare_sleep() last looked
  Connection::Clock::time_point last_event_{};
};

// For DEMI_ADDON.
std::unique_ptr<Device> open_device(const Config& config, Failure& failure);

}  // namespace demi::rdma
