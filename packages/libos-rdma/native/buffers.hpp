// Memory that is posted to the fabric: receives, which are slots of the arena and are popped as they lie, and small buffers for headers and
// short messages that are sent. It is part of the arena, so that all there is to register is one region.
//
//   arena | size classes | receives ... | send buffers ... |
#pragma once

#include <cstdint>
#include <vector>

#include "demi/arena.hpp"

namespace demi::rdma {

class Buffers {
 public:
  // Up to this many bytes are copied behind their header; longer messages are read where they lie.
  static constexpr std::uint32_t kCopied = 240;
  static constexpr std::uint32_t kSendBytes = 256;
  static constexpr std::uint32_t kSends = 4096;

  static DeviceSlots slots(std::uint32_t receives, std::uint32_t bytes);

  // The arena has these slots as this region.
  Buffers(Arena& arena, Region region, const DeviceSlots& slots);
  ~Buffers();
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  // False: all are posted, or with the application.
  bool take_receive(std::uint32_t& n);
  void give_receive(std::uint32_t n) { receives_.push_back(n); }
  // Bytes of receive n, which has been filled, as an sga owned by the device side.
  Sga adopt(std::uint32_t n, std::uint32_t offset, std::uint32_t bytes) { return arena_.adopt(id_, n, offset, bytes); }
  std::uint8_t* receive(std::uint32_t n) const { return region_ + static_cast<std::size_t>(n) * slots_.stride; }
  std::uint32_t receive_bytes() const { return slots_.capacity; }
  std::uint32_t receives_free() const { return static_cast<std::uint32_t>(receives_.size()); }
  std::uint32_t receives() const { return slots_.count; }

  bool take_send(std::uint32_t& n);
  void give_send(std::uint32_t n) { sends_.push_back(n); }
  std::uint32_t sends_free() const { return static_cast<std::uint32_t>(sends_.size()); }
  std::uint8_t* send(std::uint32_t n) const { return send_region_ + static_cast<std::size_t>(n) * kSendBytes; }

 private:
  Arena& arena_;
  Region id_;
  DeviceSlots slots_;
  std::uint8_t* region_;
  std::uint8_t* send_region_;
  // Used last, taken first: still in the cache.
  std::vector<std::uint32_t> receives_;
  std::vector<std::uint32_t> sends_;
};

}  // namespace demi::rdma
