// Parts of the driver that need no device.
#include <doctest/doctest.h>

#include <cerrno>
#include <random>
#include <vector>

#include "../nvme/iova_space.hpp"
#include "../nvme/queue_pair.hpp"
#include "../nvme/status.hpp"
#include "../nvme/sysfs.hpp"

namespace demi::spdk::nvme {

namespace {

Status status(unsigned type, unsigned code, bool do_not_retry = false) {
  return {static_cast<std::uint16_t>(type << 8 | code | (do_not_retry ? 1u << 14 : 0))};
}

}  // namespace

TEST_CASE("nvme: a status is the POSIX error that fits, and is tried again where the standard allows it") {
  CHECK(to_error(status(0, 0)) == 0);
  CHECK_FALSE(may_retry(status(0, 0)));
  CHECK(to_error(status(0, 0x80)) == -EINVAL);
  CHECK(to_error(status(0, 0x81)) == -ENOSPC);
  CHECK(to_error(status(0, 0x20)) == -EROFS);
  CHECK(to_error(status(2, 0x81)) == -EIO);
  CHECK(to_error(status(7, 0xff)) == -EIO);
  CHECK(may_retry(status(2, 0x81)));
  CHECK_FALSE(may_retry(status(2, 0x81, true)));
  CHECK_FALSE(may_retry(status(0, 0x80)));
}

TEST_CASE("nvme: bus addresses keep within the IOMMU's ranges, and apart") {
  IovaSpace space;
  space.add(0, 0xfedfffff);
  space.add(0xfef00000, 0x7fffffffff);
  std::mt19937 random(7);
  struct Taken {
    std::uint64_t at, bytes;
  };
  std::vector<Taken> taken;
  for (int round = 0; round < 300; ++round) {
    if (!taken.empty() && random() % 3 == 0) {
      const std::size_t i = random() % taken.size();
      space.give_back(taken[i].at);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(i));
    }
    const std::uint64_t bytes = 4096ull * (1 + random() % 20'000);
    const std::uint64_t at = space.take(bytes);
    REQUIRE(at != IovaSpace::kNone);
    CHECK(at != 0);
    CHECK((at + bytes - 1 <= 0xfedfffff || (at >= 0xfef00000 && at + bytes - 1 <= 0x7fffffffff)));
    for (const Taken& one : taken) CHECK((at + bytes <= one.at || one.at + one.bytes <= at));
    taken.push_back({at, bytes});
  }
  IovaSpace small;
  small.add(0, (8u << 20) - 1);
  CHECK(small.take(16u << 20) == IovaSpace::kNone);
  const std::uint64_t first = small.take(2u << 20);
  const std::uint64_t second = small.take(4u << 20);
  CHECK(first != IovaSpace::kNone);
  CHECK(second != IovaSpace::kNone);
  CHECK(small.take(2u << 20) == IovaSpace::kNone);
  small.give_back(first);
  CHECK(small.take(2u << 20) == first);
}

TEST_CASE("nvme: an address names one device of the bus, and nothing else in the file system") {
  CHECK(sysfs::is_address("0000:01:00.0"));
  CHECK(sysfs::is_address("10ab:ff:1f.7"));
  for (const char* const wrong : {"", "01:00.0", "0000:01:00.8", "0000:01:00.0/", "../../../etc/x", "0000:01:00,0"})
    CHECK_FALSE(sysfs::is_address(wrong));
}

TEST_CASE("nvme: queues turn round, and tell what is new by its phase") {
  alignas(kPage) std::uint8_t commands[kPage];
  alignas(kPage) std::uint8_t completions[kPage];
  volatile std::uint32_t doorbells[2] = {};
  QueuePair queue(4, {commands, 0}, {completions, 0});
  queue.reset(&doorbells[0], &doorbells[1]);
  Completion completion;
  std::uint16_t phase = 1;
  for (std::uint16_t n = 0; n < 11; ++n) {
    Command command;
    command.id = n;
    queue.submit(command);
    queue.ring();
    CHECK(doorbells[0] == (n + 1u) % 4);
    CHECK_FALSE(queue.take(completion));
    auto& entry = reinterpret_cast<Completion*>(completions)[n % 4];
    entry.id = reinterpret_cast<const Command*>(commands)[n % 4].id;
    entry.status = phase;
    if (n % 4 == 3) phase ^= 1;
    REQUIRE(queue.take(completion));
    CHECK(completion.id == n);
    queue.release();
    CHECK(doorbells[1] == (n + 1u) % 4);
  }
}

}  // namespace demi::spdk::nvme
