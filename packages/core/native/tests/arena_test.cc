#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "demi/arena.hpp"

namespace arena_test {

using namespace demi;

namespace {

// An arena with its descriptors, and the application's writes to them.
struct Fixture {
  Limits limits{.classes = {{256, 4}, {4096, 2}}};
  std::vector<std::int32_t> shared = std::vector<std::int32_t>(6 * layout::kSlotWords);
  Arena arena{limits, shared.data()};

  std::int32_t& word(Sga sga, std::int32_t i) {
    return shared[(sga & ((1 << layout::kSlotIndexBits) - 1)) * layout::kSlotWords + i];
  }
  Sga app(std::uint32_t size) {
    const Sga sga = arena.alloc(size);
    arena.give_to_app(sga);
    return sga;
  }
  Sga chain(std::initializer_list<std::uint32_t> sizes) { return arena.alloc_chain({sizes.begin(), sizes.size()}); }
  void write(Sga sga, const std::string& text) { std::memcpy(arena.slot_start(sga), text.data(), text.size()); }
};

std::string text(const Arena& arena, Sga sga) {
  std::string out;
  arena.for_each_segment(sga, [&](std::span<std::uint8_t> s) { out.append(s.begin(), s.end()); });
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "arena: the smallest slot that fits") {
  CHECK(arena.slot_capacity(arena.alloc(1)) == 256);
  CHECK(arena.slot_capacity(arena.alloc(256)) == 256);
  CHECK(arena.slot_capacity(arena.alloc(257)) == 4096);
  CHECK(arena.alloc(4097) == 0);
  CHECK(arena.largest() == 4096);
  CHECK(arena.device_slots() == 3);
}

TEST_CASE_FIXTURE(Fixture, "arena: a class that is used up borrows from the next, then there is none") {
  for (int i = 0; i < 4; ++i) CHECK(arena.slot_capacity(arena.alloc(10)) == 256);
  for (int i = 0; i < 2; ++i) CHECK(arena.slot_capacity(arena.alloc(10)) == 4096);
  CHECK(arena.alloc(10) == 0);
  CHECK(arena.alloc_class(0) == 0);
}

TEST_CASE_FIXTURE(Fixture, "arena: slots do not overlap and lie on the descriptors' start") {
  std::vector<Sga> all;
  while (const Sga sga = arena.alloc(1)) all.push_back(sga);
  REQUIRE(all.size() == 6);
  for (const Sga sga : all) {
    std::memset(arena.slot_start(sga), sga & 0xff, arena.slot_capacity(sga));
    CHECK(arena.base() + static_cast<std::size_t>(word(sga, layout::kSlotStart)) * layout::kSlotAlign ==
          arena.slot_start(sga));
    CHECK(word(sga, layout::kSlotCapacity) == static_cast<std::int32_t>(arena.slot_capacity(sga)));
  }
  for (const Sga sga : all) {
    bool own = true;
    for (std::uint32_t i = 0; i < arena.slot_capacity(sga); ++i) own = own && arena.slot_start(sga)[i] == (sga & 0xff);
    CHECK(own);
  }
}

TEST_CASE_FIXTURE(Fixture, "arena: a freed handle is not the application's any more, nor is the next use of its slot") {
  const Sga first = app(10);
  CHECK(arena.app_owns(first));
  arena.free(first);
  CHECK_FALSE(arena.app_owns(first));
  CHECK(word(first, layout::kSlotHandle) == 0);
  const Sga second = app(10);
  CHECK((first & 0x3ffff) == (second & 0x3ffff));
  CHECK(first != second);
  CHECK_FALSE(arena.app_owns(first));
  CHECK(arena.app_owns(second));
}

TEST_CASE_FIXTURE(Fixture, "arena: handles stay positive and distinct while generations wrap") {
  Sga before = 0;
  for (int i = 0; i < 20000; ++i) {
    const Sga sga = app(10);
    REQUIRE(sga > 0);
    REQUIRE(sga != before);
    REQUIRE_FALSE(arena.app_owns(before));
    arena.free(sga);
    before = sga;
  }
  CHECK(arena.app_slots() == 0);
  CHECK(arena.device_slots() == 0);
}

TEST_CASE_FIXTURE(Fixture, "arena: the application owns nothing that was never given to it") {
  const Sga device = arena.alloc(10);
  for (const Sga wrong : {device, 0, -1, 1, 5, 6, 0x3ffff, 0x7fffffff, static_cast<Sga>(0x80000000)})
    CHECK_FALSE(arena.app_owns(wrong));
}

TEST_CASE_FIXTURE(Fixture, "arena: a chain is one sga: its later segments are nobody's by themselves") {
  for (const bool appended : {false, true}) {
    Sga head = 0;
    if (appended) {
      head = arena.alloc(5);
      arena.append(head, arena.alloc(7));
    } else {
      head = chain({5, 7});
    }
    arena.give_to_app(head);
    CHECK(arena.segments(head) == 2);
    CHECK(arena.total(head) == 12);
    CHECK(arena.app_slots() == 2);
    const auto second = static_cast<std::uint32_t>(word(head, layout::kSlotNext)) - 1;
    CHECK(shared[second * layout::kSlotWords + layout::kSlotHandle] == 0);
    for (std::uint32_t generation = 1; generation < 4; ++generation) {
      CHECK_FALSE(arena.app_owns(static_cast<Sga>(generation << layout::kSlotIndexBits | second)));
    }
    arena.free(head);
    CHECK(arena.app_slots() == 0);
    CHECK(arena.free_slots(0) == 4);
  }
}

TEST_CASE_FIXTURE(Fixture, "arena: a chain that cannot be had as a whole takes nothing") {
  CHECK(chain({1, 1, 1, 1, 1, 1, 1}) == 0);
  CHECK(chain({1, 5000}) == 0);
  CHECK(arena.device_slots() == 0);
  CHECK(arena.free_slots(0) == 4);
  CHECK(arena.free_slots(1) == 2);
}

TEST_CASE("arena: at most 16 segments") {
  Limits limits{.classes = {{64, 32}}};
  std::vector<std::int32_t> shared(32 * layout::kSlotWords);
  Arena arena(limits, shared.data());
  const std::vector<std::uint32_t> sizes(17, 1);
  CHECK(arena.alloc_chain(sizes) == 0);
  CHECK(arena.device_slots() == 0);
  const Sga sga = arena.alloc_chain({sizes.data(), 16});
  CHECK(arena.segments(sga) == 16);
  CHECK(arena.segments(arena.copy(sga)) == 16);
}

TEST_CASE_FIXTURE(Fixture, "arena: the application's ranges are checked against the slot") {
  const Sga sga = app(100);
  const auto take = [&](std::int32_t offset, std::int32_t length) {
    word(sga, layout::kSlotOffset) = offset;
    word(sga, layout::kSlotLength) = length;
    return arena.take_ranges(sga);
  };
  CHECK(take(0, 256) == 256);
  CHECK(take(256, 0) == 0);
  CHECK(take(200, 56) == 56);
  CHECK(take(200, 57) == -EINVAL);
  CHECK(take(257, 0) == -EINVAL);
  CHECK(take(-1, 1) == -EINVAL);
  CHECK(take(1, -1) == -EINVAL);
  CHECK(take(-1, -1) == -EINVAL);
  CHECK(take(0x7fffffff, 0x7fffffff) == -EINVAL);
  CHECK(take(3, 4) == 4);
  CHECK(arena.bytes_of(sga).data() == arena.slot_start(sga) + 3);
}

TEST_CASE_FIXTURE(Fixture, "arena: ranges do not change under an operation that reads them") {
  const Sga sga = app(100);
  CHECK(arena.take_ranges(sga) == 100);
  arena.pin(sga);
  CHECK(arena.take_ranges(sga) == 100);
  word(sga, layout::kSlotLength) = 99;
  CHECK(arena.take_ranges(sga) == -EBUSY);
  CHECK(arena.bytes_of(sga).size() == 100);
  arena.unpin(sga);
  CHECK(arena.take_ranges(sga) == 99);
}

TEST_CASE_FIXTURE(Fixture, "arena: a pinned sga is freed at the last unpin") {
  const Sga sga = app(100);
  arena.pin(sga);
  arena.pin(sga);
  CHECK(arena.pinned(sga));
  arena.free(sga);
  CHECK_FALSE(arena.app_owns(sga));
  CHECK(arena.app_slots() == 0);
  CHECK(arena.device_slots() == 1);
  arena.unpin(sga);
  CHECK(arena.pinned(sga));
  CHECK(arena.free_slots(0) == 3);
  const auto releases = arena.releases();
  arena.unpin(sga);
  CHECK(arena.free_slots(0) == 4);
  CHECK(arena.device_slots() == 0);
  CHECK(arena.releases() == releases + 1);
}

TEST_CASE_FIXTURE(Fixture, "arena: more pins than 16 bits count") {
  const Sga sga = app(100);
  for (int i = 0; i < 70000; ++i) arena.pin(sga);
  arena.free(sga);
  for (int i = 0; i < 69999; ++i) arena.unpin(sga);
  CHECK(arena.device_slots() == 1);
  arena.unpin(sga);
  CHECK(arena.device_slots() == 0);
}

TEST_CASE_FIXTURE(Fixture, "arena: gather leaves out what was sent and what is empty") {
  const Sga sga = chain({4, 0, 6});
  iovec iov[4];
  CHECK(arena.gather(sga, 0, iov, 4) == 2);
  CHECK(iov[0].iov_len == 4);
  CHECK(iov[1].iov_len == 6);
  CHECK(arena.gather(sga, 3, iov, 4) == 2);
  CHECK(iov[0].iov_len == 1);
  CHECK(iov[0].iov_base == arena.slot_start(sga) + 3);
  CHECK(arena.gather(sga, 4, iov, 4) == 1);
  CHECK(arena.gather(sga, 9, iov, 4) == 1);
  CHECK(iov[0].iov_len == 1);
  CHECK(arena.gather(sga, 10, iov, 4) == 0);
  CHECK(arena.gather(sga, 0, iov, 1) == 1);
}

TEST_CASE_FIXTURE(Fixture, "arena: a copy has the bytes, the segments and the address, in memory of its own") {
  Address from;
  REQUIRE(Address::parse("fe80::1%2", 7, from) == 0);
  const Sga sga = chain({5, 6});
  arena.for_each_segment(sga, [&](std::span<std::uint8_t> s) { std::memcpy(s.data(), "abcdef", s.size()); });
  arena.set_address(sga, from);
  const Sga copy = arena.copy(sga);
  REQUIRE(copy != 0);
  std::memset(arena.slot_start(sga), 0, 5);
  CHECK(text(arena, copy) == "abcdeabcdef");
  CHECK(arena.segments(copy) == 2);
  CHECK(arena.address(copy).host() == "fe80::1%2");
  CHECK(arena.address(copy).port == 7);
}

TEST_CASE_FIXTURE(Fixture, "arena: a copy without room is 0 and takes nothing") {
  const Sga sga = chain({1, 1, 1, 1});
  const auto held = arena.device_slots();
  CHECK(arena.copy(sga) == 0);
  CHECK(arena.device_slots() == held);
}

TEST_CASE_FIXTURE(Fixture, "arena: an address the application wrote is taken as none unless its family is 4 or 6") {
  const Sga sga = app(10);
  CHECK(arena.address(sga).family == 0);
  for (const std::int32_t family : {1, 5, 260, -4, 0x7fffffff}) {
    word(sga, layout::kSlotFamily) = family;
    CAPTURE(family);
    CHECK(arena.address(sga).family == 0);
  }
  word(sga, layout::kSlotFamily) = 4;
  word(sga, layout::kSlotPort) = 80;
  word(sga, layout::kSlotAddress) = static_cast<std::int32_t>(htonl(0x7f000001));
  CHECK(arena.address(sga).host() == "127.0.0.1");
  arena.free(sga);
  CHECK(arena.address(app(10)).family == 0);  // the next use of the slot starts without
}

}  // namespace arena_test
