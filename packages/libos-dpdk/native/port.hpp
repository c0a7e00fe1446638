// One Ethernet port: frames in, frames out. Everything of DPDK that a network stack needs, without DPDK's headers, which do not go
// together with lwIP's in one translation unit.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "capture.hpp"
#include "demi/engine.hpp"
#include "ethernet_device.hpp"
#include "fault.hpp"
#include "mbuf_arena.hpp"
#include "port_options.hpp"

namespace demi::dpdk {

// A received frame. Its bytes stay until release(slot).
struct Frame {
  std::uint8_t* data;
  std::uint32_t length;
  std::uint32_t slot;  // of the receive pool
};

class Port {
 public:
  static constexpr unsigned kBurst = 32;
  // A poll that finds nothing costs some drivers as much as it asked for (rte_vhost allocates a buffer for each frame there might be); fewer
  // than this the vector drivers do not look for.
  static constexpr unsigned kFewFrames = 8;
  static constexpr std::uint32_t kEthernetHeader = 14;

  // The processor's clock, cheaper to read than the system's.
  static std::uint64_t cycles();
  static std::uint64_t cycles_per_second();

  // nullptr and why on failure.
  static std::unique_ptr<Port> open(const PortOptions& options, Arena& arena, Region region, const DeviceSlots& slots,
                                    Failure& failure);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const MacAddress& mac() const { return device_.mac(); }
  std::uint16_t mtu() const { return mtu_; }

  // Up to kBurst frames that have arrived. Fewer than `some` are all there are.
  unsigned receive(Frame* frames, unsigned some = kBurst);
  // The frame's memory goes back to the device.
  void release(std::uint32_t slot);
  const ReceivePool& receive_pool() const { return pool_; }

  // Room for one frame of up to mtu() + kEthernetHeader bytes; nullptr when the device has taken nothing for too long. It is sent by
  // commit(), with send_burst() at the latest.
  std::uint8_t* reserve();
  void commit(std::uint32_t length);
  void send_burst();
  void flush_capture();

  void stats(const StatSink& sink) const;

 private:
  Port(Arena& arena, Region region, const DeviceSlots& slots) : pool_(arena, region, slots) {}
  static Port* current;
  int start(const PortOptions& options, std::string& message);
  void stop();

  ReceivePool pool_;
  rte_mempool* send_pool_ = nullptr;
  EthernetDevice device_;
  std::uint16_t mtu_ = 1500;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<Faults> receive_faults_;
  std::unique_ptr<Faults> send_faults_;
  rte_mbuf* reserved_ = nullptr;
  std::array<rte_mbuf*, kBurst> outgoing_{};
  unsigned outgoing_count_ = 0;
  unsigned captured_ = 0;  // of them, which the capture has
  std::uint64_t unusable_ =
      0;  // frames in several mbufs or in buffers that are not the port's (net_ring gives back what was sent): dropped
  std::uint64_t send_lost_ = 0;     // frames without a link
  std::uint64_t send_refused_ = 0;  // times the device was full: the stack sends again
};

}  // namespace demi::dpdk
