// The engine of libos-rdma: one fabric, and the sockets on it.
#pragma once

#include <memory>

#include "config.hpp"
#include "connection.hpp"

namespace demi::rdma {

class RdmaEngine final : public Engine {
 public:
  // For DEMI_ADDON.
  static bool prepare(Limits& limits, const Config& config, std::string& message, int& error);
  static std::unique_ptr<Engine> make(Runtime& runtime, const Config& config, std::string& message, int& error);
  ~RdmaEngine() override;

  const char* name() const override { return fabric_->provider(); }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  void poll(std::uint32_t wait_us) override;
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

}  // namespace demi::rdma
