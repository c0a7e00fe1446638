// The memory an application and a device share: one mapping, cut once into fixed slots of a few size classes.
//
// A slot has one owner at a time: nobody (free), the application, or the device side (a queue or an engine). An sga is a chain
// of 1 to 16 slots named by the handle of its first; the handle carries a generation, so a freed sga is recognised. What
// JavaScript may write (offset, length, address) is read once, checked, and copied when an operation starts.
//
// Beside the size classes there may be regions of slots that a device fills on its own (the receive buffers of a NIC): adopt() makes one
// an sga when it arrives, and the device gets it back when that is freed. Every device can reach all of the arena, whosever slot it is
// (Engine::map()): so what one device has filled, another sends or writes as it lies.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "demi/address.hpp"
#include "demi/layout.hpp"
#include "demi/limits.hpp"
#include "demi/mapping.hpp"
#include "demi/op.hpp"
#include "demi/page_array.hpp"
#include "demi/poison.hpp"

namespace demi {

class Arena {
 public:
  // `shared` points at the slot descriptors JavaScript sees: kSlotWords words each. `memory` has limits.arena_bytes() bytes; without
  // it the arena makes its own, and throws std::bad_alloc if it cannot.
  Arena(const Limits& limits, std::int32_t* shared, std::shared_ptr<Mapping> memory = nullptr);
  // The pages go back at once, while the device they are of is still open; views of JavaScript's may outlive both and read zeros.
  ~Arena() {
    DEMI_UNPOISON(base_, bytes_);  // a device may have poisoned what is free of its own
    mapping_->discard();
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::uint8_t* base() const { return base_; }
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t class_count() const { return classes_.size(); }
  const SizeClass& size_class(std::size_t i) const { return classes_[i].geometry; }
  std::uint32_t class_first(std::size_t i) const { return classes_[i].first; }
  std::uint32_t free_slots(std::size_t i) const { return static_cast<std::uint32_t>(classes_[i].free.size()); }
  std::uint32_t largest() const { return classes_.back().geometry.size; }
  // Slots the application holds, and slots queues and engines hold. Counted when asked, to keep the data path short.
  std::uint32_t app_slots() const { return count(State::kApp); }
  std::uint32_t device_slots() const { return count(State::kDevice); }
  // Counts up each time a slot becomes free: an engine that ran dry compares it to know when to try again.
  std::uint64_t releases() const { return releases_; }

  // ---- slots of a device's ---------------------------------------------------------------------------------------

  std::uint8_t* region(Region r) const { return regions_[r].memory; }
  // Called with n when slot n of the region is free again.
  void on_release(Region r, std::function<void(std::uint32_t n)> release) { regions_[r].release = std::move(release); }
  // Slot n of the region, which the device has filled, as an sga owned by the device side.
  Sga adopt(Region r, std::uint32_t n, std::uint32_t offset, std::uint32_t length) {
    const Sga sga = renew(regions_[r].first + n);
    set_range(sga, offset, length);
    return sga;
  }
  // True when the first segment is one of the region's.
  bool is_of(Region r, Sga sga) const {
    const DeviceRegion& region = regions_[r];
    return index(sga) - region.first < region.count;
  }

  // ---- device side: allocate, fill, hand over --------------------------------------------------------------------

  // One slot of at least `size` bytes (the smallest class that has one free), owned by the device side, length `size`.
  // Returns 0 when no slot is free: ENOBUFS, or EMSGSIZE when `size` exceeds largest().
  Sga alloc(std::uint32_t size) {
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      if (classes_[i].geometry.size >= size && !classes_[i].free.empty()) return take_slot(i, size);
    }
    return 0;
  }

  // One slot of exactly class `i`, length 0; 0 when the class is empty.
  Sga alloc_class(std::size_t i) { return classes_[i].free.empty() ? 0 : take_slot(i, 0); }

  // A chain with one segment per size, 1 to kMaxSegments; 0 when it cannot be had as a whole.
  Sga alloc_chain(std::span<const std::uint32_t> sizes);

  // Makes the slot `tail` the segment after the chain's last: part of that sga, no longer a separate one. Both are owned by
  // the device side; the caller keeps to kMaxSegments.
  void append(Sga head, Sga tail) {
    std::uint32_t i = index(head);
    while (slots_[i].next != 0) i = slots_[i].next - 1;
    slots_[i].next = index(tail) + 1;
    slots_[index(tail)].head = false;
  }

  // Segment `sga` itself (the first of its chain): sets which bytes of the slot count.
  void set_range(Sga sga, std::uint32_t offset, std::uint32_t length) {
    Slot& s = slots_[index(sga)];
    s.offset = offset;
    s.length = length;
  }

  std::uint8_t* slot_start(Sga sga) const { return base_ + start_of(slots_[index(sga)]); }
  std::uint32_t slot_capacity(Sga sga) const { return slots_[index(sga)].capacity; }

  void set_address(Sga sga, const Address& a) { write_address(index(sga), a); }
  Address address(Sga sga) const;

  // ---- reading what is to be sent ----------------------------------------------------------------------------------

  // Bytes of the first segment.
  std::span<std::uint8_t> bytes_of(Sga sga) const {
    const Slot& s = slots_[index(sga)];
    return {base_ + start_of(s) + s.offset, s.length};
  }
  std::uint32_t total(Sga sga) const {
    const Slot& first = slots_[index(sga)];
    std::uint32_t n = 0;
    if (first.next == 0) [[likely]]
      return first.length;
    for_each_segment(sga, [&](std::span<std::uint8_t> seg) { n += static_cast<std::uint32_t>(seg.size()); });
    return n;
  }
  std::uint32_t segments(Sga sga) const {
    std::uint32_t n = 0;
    for_each_segment(sga, [&](std::span<std::uint8_t>) { ++n; });
    return n;
  }
  // Writes one iovec per segment, skipping the first `skip` bytes of the chain; returns how many were written.
  int gather(Sga sga, std::uint32_t skip, iovec* out, int room) const;

  template <class F>
  void for_each_segment(Sga sga, F&& f) const {
    for (std::uint32_t next = index(sga) + 1; next != 0;) {
      const Slot& s = slots_[next - 1];
      f(std::span<std::uint8_t>(base_ + start_of(s) + s.offset, s.length));
      next = s.next;
    }
  }

  // ---- ownership --------------------------------------------------------------------------------------------------

  // True when the handle names an sga the application owns now.
  bool app_owns(Sga sga) const {
    const std::uint32_t i = index(sga);
    return sga > 0 && i < slot_count_ && slots_[i].handle == sga && slots_[i].state == State::kApp && slots_[i].head;
  }

  // Takes what JavaScript wrote into the descriptors of an sga it owns. Returns the total length, -EINVAL for a range outside
  // a slot, -EBUSY when an operation in flight still reads a different range, -EMSGSIZE when a result could not carry the total.
  std::int32_t take_ranges(Sga sga);

  // Takes an sga of one segment away from the application in one step: its length, or -1 when it needs the long way
  // (take_ranges and take_from_app).
  std::int32_t take_single(Sga sga) {
    const std::uint32_t i = index(sga);
    Slot& s = slots_[i];
    std::int32_t* d = shared(i);
    const auto offset = static_cast<std::uint32_t>(d[layout::kSlotOffset]);
    const auto length = static_cast<std::uint32_t>(d[layout::kSlotLength]);
    if (s.next != 0 || s.pins != 0 || offset > s.capacity || length > s.capacity - offset) [[unlikely]]
      return -1;
    s.offset = offset;
    s.length = length;
    s.state = State::kDevice;
    d[layout::kSlotHandle] = 0;
    return static_cast<std::int32_t>(length);
  }

  // Device to application: publishes the descriptors, so that JavaScript can read them.
  void give_to_app(Sga sga);
  // Application to device: the handle stops being valid for JavaScript.
  void take_from_app(Sga sga);

  // An operation or a device reads the memory: it stays out of the free list until the last unpin.
  void pin(Sga sga) { ++slots_[index(sga)].pins; }
  void unpin(Sga sga) {
    Slot& s = slots_[index(sga)];
    if (--s.pins == 0 && s.free_pending) release(sga);
  }
  bool pinned(Sga sga) const { return slots_[index(sga)].pins != 0; }

  // Gives a chain back from either owner; while pinned this happens at the last unpin.
  void free(Sga sga) {
    if (slots_[index(sga)].state == State::kApp) take_from_app(sga);
    Slot& s = slots_[index(sga)];
    if (s.pins != 0) {
      s.free_pending = true;
    } else {
      release(sga);
    }
  }

  // A copy in fresh slots, owned by the device side; 0 when memory is short.
  Sga copy(Sga sga);

 private:
  enum class State : std::uint8_t { kFree, kApp, kDevice };
  // Half a cache line, so that finding one is a shift.
  struct alignas(32) Slot {
    // The first four as in the shared descriptor, so that one copy publishes them.
    Sga handle = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t next = 0;   // slot index + 1
    std::uint32_t start = 0;  // in units of kSlotAlign
    std::uint32_t pins = 0;   // there may be more than 65535 operations on one sga: tokens go up to 2^17
    std::uint32_t capacity = 0;
    std::uint8_t home = 0;  // its size class; of a device's slot its region
    State state = State::kFree;
    bool head = false;
    bool free_pending = false;
  };
  struct Class {
    SizeClass geometry;
    std::uint32_t first = 0;
    std::vector<std::uint32_t> free;  // LIFO: the slot used last is still in the cache
  };

  struct DeviceRegion {
    std::uint8_t* memory = nullptr;
    std::uint32_t first = 0;  // index of its first slot
    std::uint32_t count = 0;
    std::function<void(std::uint32_t)> release;
  };

  static constexpr std::uint32_t kIndexMask = (1u << layout::kSlotIndexBits) - 1;
  static std::uint32_t index(Sga sga) { return static_cast<std::uint32_t>(sga) & kIndexMask; }
  static std::size_t start_of(const Slot& s) { return static_cast<std::size_t>(s.start) * layout::kSlotAlign; }
  std::int32_t* shared(std::uint32_t i) const { return shared_ + static_cast<std::size_t>(i) * layout::kSlotWords; }

  Sga take_slot(std::size_t size_class, std::uint32_t length) {
    Class& c = classes_[size_class];
    const std::uint32_t i = c.free.back();
    c.free.pop_back();
    DEMI_UNPOISON(base_ + start_of(slots_[i]), c.geometry.size);
    const Sga sga = renew(i);
    slots_[i].length = length;
    return sga;
  }

  // A fresh handle for a free slot, now the device side's.
  Sga renew(std::uint32_t i) {
    Slot& s = slots_[i];
    // The generation lives above the index and skips 0, so a handle is always positive.
    std::uint32_t generation = (static_cast<std::uint32_t>(s.handle) >> layout::kSlotIndexBits) + 1;
    if (generation >= (1u << (31 - layout::kSlotIndexBits))) generation = 1;
    s.handle = static_cast<Sga>(generation << layout::kSlotIndexBits | i);
    s.next = 0;
    s.offset = 0;
    s.length = 0;
    s.state = State::kDevice;
    s.head = true;
    s.free_pending = false;
    shared(i)[layout::kSlotFamily] = 0;
    return s.handle;
  }

  std::uint32_t count(State state) const {
    return static_cast<std::uint32_t>(
        std::count_if(slots_.data(), slots_.data() + slot_count_, [&](const Slot& s) { return s.state == state; }));
  }

  void release(Sga sga);
  void give_chain_to_app(Sga sga);
  void place(std::uint32_t i, std::uint8_t home, std::size_t start, std::uint32_t capacity);
  void write_address(std::uint32_t i, const Address& a);

  std::shared_ptr<Mapping> mapping_;
  std::uint8_t* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t class_bytes_ = 0;    // of them, what the size classes take: the regions follow
  std::uint32_t class_slots_ = 0;  // likewise
  std::int32_t* shared_;
  PageArray<Slot> slots_;
  std::uint32_t slot_count_ = 0;
  std::vector<Class> classes_;
  std::vector<DeviceRegion> regions_;
  std::uint64_t releases_ = 0;
};

inline void Arena::give_to_app(Sga sga) {
  static_assert(layout::kSlotHandle == 0 && layout::kSlotOffset == 1 && layout::kSlotLength == 2 &&
                layout::kSlotNext == 3);
  Slot& s = slots_[index(sga)];
  if (s.next != 0) [[unlikely]]
    return give_chain_to_app(sga);
  s.state = State::kApp;
  std::memcpy(shared(index(sga)), &s, 4 * sizeof(std::int32_t));
}

inline void Arena::release(Sga sga) {
  for (std::uint32_t next = index(sga) + 1; next != 0;) {
    const std::uint32_t i = next - 1;
    Slot& s = slots_[i];
    next = s.next;
    s.state = State::kFree;
    s.head = false;
    s.free_pending = false;
    s.next = 0;
    ++releases_;
    if (i >= class_slots_) {
      const DeviceRegion& region = regions_[s.home];
      region.release(i - region.first);
      continue;
    }
    classes_[s.home].free.push_back(i);
    DEMI_POISON(base_ + start_of(s), classes_[s.home].geometry.size);
  }
}

}  // namespace demi
