// The arena of a libOS in memory that DPDK and its devices can reach, with the receive pool inside: an mbuf the NIC has filled is
// popped as it lies, and goes back to the NIC when the application frees it.
//
//   arena | size classes | header mbuf priv headroom data | header mbuf priv headroom data | ...
//                                           ^ a slot                         ^ a slot
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "demi/arena.hpp"

struct rte_mbuf;
struct rte_mempool;

namespace demi::dpdk {

// Where the mbufs of a receive pool lie, for frames of up to `frame_bytes`.
DeviceSlots receive_slots(std::uint32_t count, std::uint32_t frame_bytes);

// Memory from EAL, kept for the next libOS of the process: ArrayBuffers over it may outlive the one that made them. nullptr when EAL has
// not enough.
std::shared_ptr<Mapping> eal_memory(std::size_t bytes);

class ReceivePool {
 public:
  // The arena has `slots`, of receive_slots(), as this region, and lies in memory of eal_memory().
  ReceivePool(Arena& arena, Region region, const DeviceSlots& slots);
  ~ReceivePool();
  ReceivePool(const ReceivePool&) = delete;
  ReceivePool& operator=(const ReceivePool&) = delete;

  // 0 or a negative errno.
  int error() const { return error_; }
  Region region() const { return id_; }
  rte_mempool* pool() const { return pool_; }
  // Mbufs nobody holds: neither the device's queue, nor the stack, nor the application.
  std::uint32_t available() const;
  std::uint32_t count() const { return slots_.count; }

  rte_mbuf* mbuf(std::uint32_t n) const;
  std::uint32_t slot(const rte_mbuf* mbuf) const;
  bool owns(const rte_mbuf* mbuf) const {
    return static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(mbuf) - region_) < slots_.bytes;
  }

 private:
  DeviceSlots slots_;
  Region id_;
  std::uint8_t* region_;
  rte_mempool* pool_ = nullptr;
  int error_ = 0;
};

}  // namespace demi::dpdk
