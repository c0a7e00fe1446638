#include "demi/arena.hpp"

namespace demi {

Arena::Arena(const Limits& limits, std::int32_t* shared, std::shared_ptr<Mapping> memory)
    : mapping_(memory ? std::move(memory) : std::make_shared<Mapping>(limits.arena_bytes())),
      base_(static_cast<std::uint8_t*>(mapping_->data())),
      bytes_(limits.arena_bytes()),
      class_bytes_(limits.class_bytes()),
      class_slots_(limits.class_slots()),
      shared_(shared),
      slots_(limits.slots()),
      slot_count_(limits.slots()) {
  std::uint32_t slot = 0;
  std::size_t at = 0;
  for (const SizeClass& geometry : limits.classes) {
    const auto home = static_cast<std::uint8_t>(classes_.size());
    Class& c = classes_.emplace_back(Class{geometry, slot, {}});
    c.free.reserve(geometry.count);
    for (std::uint32_t n = geometry.count; n-- > 0;) c.free.push_back(slot + n);
    for (std::uint32_t n = 0; n < geometry.count; ++n, at += geometry.size) place(slot++, home, at, geometry.size);
  }
  at = class_bytes_;
  for (const DeviceSlots& region : limits.regions) {
    const auto home = static_cast<std::uint8_t>(regions_.size());
    regions_.push_back({base_ + at, slot, region.count, [](std::uint32_t) {}});
    for (std::uint32_t n = 0; n < region.count; ++n)
      place(slot++, home, at + region.first + static_cast<std::size_t>(n) * region.stride, region.capacity);
    at += Limits::whole_pages(region.bytes);
  }
  DEMI_POISON(base_, class_bytes_);
}

void Arena::place(std::uint32_t i, std::uint8_t home, std::size_t start, std::uint32_t capacity) {
  Slot& s = slots_[i];
  s.handle = static_cast<Sga>(i);
  s.capacity = capacity;
  s.start = static_cast<std::uint32_t>(start / layout::kSlotAlign);
  s.home = home;
  std::int32_t* d = shared(i);
  d[layout::kSlotCapacity] = static_cast<std::int32_t>(capacity);
  d[layout::kSlotStart] = static_cast<std::int32_t>(s.start);
}

Sga Arena::alloc_chain(std::span<const std::uint32_t> sizes) {
  Sga head = 0;
  if (sizes.size() > static_cast<std::size_t>(layout::kMaxSegments)) return 0;
  for (const std::uint32_t size : sizes) {
    const Sga segment = alloc(size);
    if (segment == 0) {
      if (head != 0) free(head);
      return 0;
    }
    if (head == 0) {
      head = segment;
    } else {
      append(head, segment);
    }
  }
  return head;
}

int Arena::gather(Sga sga, std::uint32_t skip, iovec* out, int room) const {
  int n = 0;
  for_each_segment(sga, [&](std::span<std::uint8_t> seg) {
    const std::size_t drop = std::min<std::size_t>(skip, seg.size());
    skip -= static_cast<std::uint32_t>(drop);
    if (drop == seg.size() || n == room) return;
    out[n++] = {seg.data() + drop, seg.size() - drop};
  });
  return n;
}

std::int32_t Arena::take_ranges(Sga sga) {
  std::uint64_t total = 0;
  const bool pinned = slots_[index(sga)].pins != 0;
  for (std::uint32_t next = index(sga) + 1; next != 0;) {
    Slot& s = slots_[next - 1];
    const std::int32_t* d = shared(next - 1);
    const auto offset = static_cast<std::uint32_t>(d[layout::kSlotOffset]);
    const auto length = static_cast<std::uint32_t>(d[layout::kSlotLength]);
    if (offset > s.capacity || length > s.capacity - offset) [[unlikely]]
      return -EINVAL;
    if (pinned && (offset != s.offset || length != s.length)) [[unlikely]]
      return -EBUSY;
    s.offset = offset;
    s.length = length;
    total += length;
    next = s.next;
  }
  if (total > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return -EMSGSIZE;
  return static_cast<std::int32_t>(total);
}

void Arena::give_chain_to_app(Sga sga) {
  for (std::uint32_t next = index(sga) + 1; next != 0;) {
    Slot& s = slots_[next - 1];
    std::int32_t* d = shared(next - 1);
    // Only the first names the sga; a later segment's handle is nobody's to free or push.
    d[layout::kSlotHandle] = s.head ? s.handle : 0;
    d[layout::kSlotOffset] = static_cast<std::int32_t>(s.offset);
    d[layout::kSlotLength] = static_cast<std::int32_t>(s.length);
    d[layout::kSlotNext] = static_cast<std::int32_t>(s.next);
    s.state = State::kApp;
    next = s.next;
  }
}

void Arena::take_from_app(Sga sga) {
  for (std::uint32_t next = index(sga) + 1; next != 0;) {
    Slot& s = slots_[next - 1];
    shared(next - 1)[layout::kSlotHandle] = 0;
    s.state = State::kDevice;
    next = s.next;
  }
}

Sga Arena::copy(Sga sga) {
  std::uint32_t sizes[layout::kMaxSegments];
  std::size_t n = 0;
  for_each_segment(sga, [&](std::span<std::uint8_t> seg) { sizes[n++] = static_cast<std::uint32_t>(seg.size()); });
  const Sga fresh = alloc_chain({sizes, n});
  if (fresh == 0) return 0;
  std::uint32_t to = index(fresh) + 1;
  for_each_segment(sga, [&](std::span<std::uint8_t> seg) {
    const Slot& s = slots_[to - 1];
    std::memcpy(base_ + start_of(s), seg.data(), seg.size());
    to = s.next;
  });
  write_address(index(fresh), address(sga));
  return fresh;
}

Address Arena::address(Sga sga) const {
  const std::int32_t* d = shared(index(sga));
  Address a;
  const std::int32_t family = d[layout::kSlotFamily];
  if (family != 4 && family != 6) return a;
  a.family = static_cast<std::uint8_t>(family);
  a.port = static_cast<std::uint16_t>(d[layout::kSlotPort]);
  a.scope = static_cast<std::uint32_t>(d[layout::kSlotScope]);
  std::memcpy(a.bytes.data(), d + layout::kSlotAddress, 16);
  return a;
}

void Arena::write_address(std::uint32_t i, const Address& a) {
  std::int32_t* d = shared(i);
  d[layout::kSlotFamily] = a.family;
  d[layout::kSlotPort] = a.port;
  d[layout::kSlotScope] = static_cast<std::int32_t>(a.scope);
  std::memcpy(d + layout::kSlotAddress, a.bytes.data(), 16);
}

}  // namespace demi
