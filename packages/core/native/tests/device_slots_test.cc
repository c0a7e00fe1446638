#include <doctest/doctest.h>

#include <cstdlib>

#include "application.hpp"

namespace device_slots_test {

using namespace demi;

namespace {

// What a NIC's receive pool would be: 8 buffers of 1920 bytes, 2048 apart, the first 128 bytes into the region.
struct Device {
  std::vector<std::uint32_t> returned;
  std::shared_ptr<Mapping> memory;
  bool released = false;

  Limits limits() {
    Limits limits = test::small_limits();
    limits.device = {.count = 8, .capacity = 1920, .first = 128, .stride = 2048, .bytes = 8 * 2048};
    limits.memory = [this](std::size_t bytes) {
      return memory = std::make_shared<Mapping>(std::aligned_alloc(4096, (bytes + 4095) & ~std::size_t{4095}), bytes,
                                                [this] {
                                                  released = true;
                                                  std::free(memory_data);
                                                });
    };
    return limits;
  }
  void* memory_data = nullptr;
};

struct Fixture {
  Device device;
  test::Application app{device.limits()};

  Fixture() {
    device.memory_data = device.memory->data();
    app.arena().on_device_release([this](std::uint32_t n) { device.returned.push_back(n); });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "device slots: what the device filled is an sga, read where it lies, and goes back when freed") {
  Arena& arena = app.arena();
  const Qd qd = app.queue();
  std::uint8_t* const slot = arena.device_region() + 128 + 5 * 2048;
  std::memcpy(slot + 54, "payload", 7);
  const Sga sga = arena.adopt(5, 54, 7);
  REQUIRE(sga > 0);
  CHECK(arena.is_device_slot(sga));
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
  CHECK(arena.adopt(5, 0, 1) != sga);
}

TEST_CASE_FIXTURE(Fixture,
                  "device slots: no allocation takes one, and a chain of both kinds goes back to where each belongs") {
  Arena& arena = app.arena();
  std::vector<Sga> all;
  for (Sga sga = arena.alloc(1); sga != 0; sga = arena.alloc(1)) {
    CHECK_FALSE(arena.is_device_slot(sga));
    all.push_back(sga);
  }
  for (const Sga sga : all) arena.free(sga);
  const Sga head = arena.alloc(10);
  arena.append(head, arena.adopt(0, 0, 20));
  arena.append(head, arena.adopt(7, 100, 30));
  CHECK(arena.total(head) == 60);
  arena.free(head);
  CHECK(device.returned == std::vector<std::uint32_t>{0, 7});
  CHECK(arena.device_slots() == 0);
}

}  // namespace device_slots_test
