// How much of everything a libOS has: fixed when it is opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "demi/layout.hpp"

namespace demi {

class Device;

struct SizeClass {
  std::uint32_t size = 0;   // bytes in a slot, a multiple of layout::kSlotAlign
  std::uint32_t count = 0;  // slots
};

// Slots that a device fills on its own: `count` of them in a region of `bytes` behind the arena's size classes, the n-th at `first` +
// n x `stride`. What lies between them is the device's. All but the count are multiples of layout::kSlotAlign.
struct DeviceSlots {
  std::uint32_t count = 0;
  std::uint32_t capacity = 0;  // bytes of each
  std::uint32_t first = 0;
  std::uint32_t stride = 0;
  std::size_t bytes = 0;
};

// Names one device's slots in the arena.
using Region = std::uint8_t;

struct Limits {
  std::uint32_t ring_entries = 4096;  // of each ring, a power of two
  std::uint32_t tokens = 32768;       // outstanding operations
  std::uint32_t queues = 16384;       // open descriptors
  std::vector<SizeClass> classes = {{256, 8192}, {4096, 8192}, {65536, 256}, {1u << 20, 16}};
  // What the devices add before there is a runtime (Device::plan()).
  std::vector<DeviceSlots> regions = {};
  Device* provider = nullptr;  // whose memory the arena must lie in; without one, any memory will do

  Region add_region(const DeviceSlots& slots) {
    regions.push_back(slots);
    return static_cast<Region>(regions.size() - 1);
  }

  static constexpr std::size_t kPage = 4096;
  static std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) & ~(kPage - 1); }

  // Slots have 18 bits of index: whoever makes an arena has looked that there are no more (slots_fit()).
  std::uint32_t class_slots() const {
    std::uint32_t total = 0;
    for (const auto& c : classes) total += c.count;
    return total;
  }
  bool slots_fit() const {
    std::uint64_t total = 0;
    for (const auto& c : classes) total += c.count;
    for (const auto& r : regions) total += r.count;
    return total <= 1u << layout::kSlotIndexBits;
  }
  std::size_t class_bytes() const {
    std::size_t total = 0;
    for (const auto& c : classes) total += static_cast<std::size_t>(c.size) * c.count;
    return whole_pages(total);
  }
  std::uint32_t slots() const {
    std::uint32_t total = class_slots();
    for (const auto& r : regions) total += r.count;
    return total;
  }
  // Of the arena: the size classes, then one region after the other, each on separate pages.
  std::size_t arena_bytes() const {
    std::size_t total = class_bytes();
    for (const auto& r : regions) total += whole_pages(r.bytes);
    return total;
  }
};

}  // namespace demi
