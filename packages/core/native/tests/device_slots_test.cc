#include <doctest/doctest.h>

#include <cstdlib>

#include "application.hpp"

namespace device_slots_test {

using namespace demi;

namespace {

// What a NIC's receive pool would be: 8 buffers of 1920 bytes, 2048 apart, the first 128 bytes into the region.
struct Device {
  std::vector<std::uint32_t> returned;
  bool released = false;
  Limits limits = test::small_limits();
  Region region = limits.add_region({.count = 8, .capacity = 1920, .first = 128, .stride = 2048, .bytes = 8 * 2048});

  std::shared_ptr<Mapping> memory;

  Device()
      : memory(std::make_shared<Mapping>(std::aligned_alloc(Limits::kPage, limits.arena_bytes()), limits.arena_bytes(),
                                         [this] {
                                           released = true;
                                           std::free(memory_data);
                                         })),
        memory_data(memory->data()) {}

  void* memory_data;
};

struct Fixture {
  Device device;
  test::Application app{device.limits, device.memory};

  Fixture() {
    app.arena().on_release(device.region, [this](std::uint32_t n) { device.returned.push_back(n); });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "device slots: what the device filled is an sga, read where it lies, and goes back when freed") {
  Arena& arena = app.arena();
  const Qd qd = app.queue();
  std::uint8_t* const slot = arena.region(device.region) + 128 + 5 * 2048;
  std::memcpy(slot + 54, "payload", 7);
  const Sga sga = arena.adopt(device.region, 5, 54, 7);
  REQUIRE(sga > 0);
  CHECK(arena.is_of(device.region, sga));
  CHECK(arena.bytes_of(sga).data() == slot + 54);
  CHECK(arena.device_slots() == 1);
  arena.give_to_app(sga);
  CHECK(app.text(sga) == "payload");
  // Pushed on and popped again: no copy was made.
  app.push(qd, sga, layout::kFlagFree | layout::kFlagQuiet);
  const auto popped = app.wait(app.pop(qd));
  REQUIRE(popped);
  CHECK(popped->value == sga);
  app.free(sga);
  app.turn();
  CHECK(device.returned == std::vector<std::uint32_t>{5});
  CHECK(app.stats()["appSlots"] == 0);
  CHECK_FALSE(arena.app_owns(sga));
  CHECK(arena.adopt(device.region, 5, 0, 1) != sga);
}

TEST_CASE_FIXTURE(Fixture,
                  "device slots: no allocation takes one, and a chain of both kinds goes back to where each belongs") {
  Arena& arena = app.arena();
  std::vector<Sga> all;
  for (Sga sga = arena.alloc(1); sga != 0; sga = arena.alloc(1)) {
    CHECK_FALSE(arena.is_of(device.region, sga));
    all.push_back(sga);
  }
  for (const Sga sga : all) arena.free(sga);
  const Sga head = arena.alloc(10);
  arena.append(head, arena.adopt(device.region, 0, 0, 20));
  arena.append(head, arena.adopt(device.region, 7, 100, 30));
  CHECK(arena.total(head) == 60);
  arena.free(head);
  CHECK(device.returned == std::vector<std::uint32_t>{0, 7});
  CHECK(arena.device_slots() == 0);
}

}  // namespace device_slots_test
