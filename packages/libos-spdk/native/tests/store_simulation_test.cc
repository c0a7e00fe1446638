// Crashes, failing writes and damage, each seed another story (store_story.hpp): nothing that was acknowledged is lost, nothing is handed
// over that was not pushed, and what is damaged is an error.
//
// The stories are told in two programs: 3,500 seeds in that of all tests, whose sanitizers see each access to memory; and, because that takes
// six times as long, 21,000 in one with UndefinedBehaviorSanitizer alone.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "store_story.hpp"

namespace store_simulation_test {

using namespace demi::spdk;
using namespace demi::spdk::test;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kTimes = 1;
#else
constexpr std::uint64_t kTimes = 6;
#endif

// Seeds of a run: DEMI_SEED is the first, and with it only that one is told.
template <class F>
void each_seed(const char* name, std::uint64_t count, F&& tell) {
  const bool one = std::getenv("DEMI_SEED") != nullptr;
  const std::uint64_t first = demi::test::seed(name);
  count *= kTimes;
  // DEMI_STORIES: so many times as many.
  const char* const times = std::getenv("DEMI_STORIES");
  if (times != nullptr) count *= std::strtoull(times, nullptr, 0);
  for (std::uint64_t i = 0; i < (one ? 1 : count); ++i) {
    CAPTURE(first + i);
    tell(first + i);
  }
}

}  // namespace

TEST_CASE("a store that crashes loses nothing that was acknowledged, and recovers nothing that was never pushed") {
  each_seed("store", 1300, [](std::uint64_t seed) { Story(seed, {}).tell(); });
}

TEST_CASE("when writes and flushes fail the records concerned have failed, and all others are there") {
  each_seed("store with failing writes", 1200, [](std::uint64_t seed) { Story(seed, {.faults = true}).tell(); });
}

TEST_CASE("a store that fills ahead what was never written to loses nothing by it") {
  std::uint64_t filled = 0;
  each_seed("store that fills ahead", 500, [&](std::uint64_t seed) {
    Story story(seed, {.faults = seed % 2 == 0, .fills = true});
    story.tell();
    filled += story.filled();
  });
  if (std::getenv("DEMI_SEED") == nullptr) CHECK(filled > 0);
}

TEST_CASE("as much fits in a store that fills ahead, at any time") {
  const std::uint64_t seed = demi::test::seed("room");
  const auto room = [&](bool fills, std::uint64_t& filled) {
    SimulatedDevice device(2u << 20, 512, seed);
    if (fills) device.tell_untouched();
    demi::Failure failure;
    REQUIRE(LogStore::format(device, seed | 1, 8, failure));
    LogStore store(device, {64u << 10, 64u << 10, 16u << 10});
    REQUIRE(store.open(failure));
    Log* log = nullptr;
    REQUIRE(store.create("log", log) == 0);
    for (std::size_t count = 0;; ++count) {
      Sending sending;
      sending.bytes.assign(20'000, 1);
      sending.append.length = 20'000;
      sending.append.pieces[sending.append.count++] = {sending.bytes.data(), 20'000};
      sending.append.owner = &sending;
      sending.append.done = [](Append& ended) { static_cast<Sending*>(ended.owner)->ended = true; };
      store.append(*log, sending.append);
      while (!sending.ended) store.poll();
      filled = store.filler().filled();
      if (sending.append.result == 0) continue;
      CHECK(sending.append.result == -ENOSPC);
      return count;
    }
  };
  std::uint64_t filled = 0;
  const std::size_t without = room(false, filled);
  CHECK(filled == 0);
  CHECK(room(true, filled) == without);
  CHECK(filled > 0);
}

TEST_CASE("stories with failing writes that once went wrong") {
  // What failed came back at the second opening behind it.
  for (const std::uint64_t seed : {4256849038, 3691469500}) {
    CAPTURE(seed);
    Story(seed, {.faults = true}).tell();
  }
}

// A batch fails that is whole all the same; the crash keeps the header of the segment that goes on behind it, and not the batch in there;
// and that segment is another log's before the next crash.
TEST_CASE("what failed and was not there after a crash is not there after a later one either") {
  std::size_t absent = 0;
  each_seed("failed and absent", 60, [&](std::uint64_t seed) {
    SimulatedDevice device(1u << 20, 512, seed);
    const StoreMemory memory{64u << 10, 256u << 10, 16u << 10};
    demi::Failure failure;
    REQUIRE(LogStore::format(device, seed | 1, 8, failure));
    auto store = std::make_unique<LogStore>(device, memory);
    REQUIRE(store->open(failure));
    Log* log = nullptr;
    Log* other = nullptr;
    REQUIRE(store->create("log", log) == 0);
    REQUIRE(store->create("other", other) == 0);
    const auto begin = [&](Log& to, Sending& sending, std::uint32_t length) {
      sending.bytes.assign(length, 1);
      sending.append.length = length;
      sending.append.pieces[sending.append.count++] = {sending.bytes.data(), length};
      sending.append.owner = &sending;
      sending.append.done = [](Append& ended) { static_cast<Sending*>(ended.owner)->ended = true; };
      store->append(to, sending.append);
    };
    const auto end = [&](Sending& sending) {
      while (!sending.ended) store->poll();
      return sending.append.result;
    };
    const auto reopen = [&] {
      if (!device.crashed()) device.crash();
      store.reset();
      device.restart();
      store = std::make_unique<LogStore>(device, memory);
      REQUIRE(store->open(failure));
      log = store->find("log");
      other = store->find("other");
    };
    const auto lengths = [&] {
      std::vector<std::int32_t> all;
      Reading reading(*store, *log, device);
      while (const std::int32_t length = reading.next()) all.push_back(length);
      return all;
    };
    Sending first;
    begin(*log, first, 100);
    REQUIRE(end(first) == 0);
    // Of two writes and a flush it is the flush that fails.
    Sending failing;
    Sending beside;
    begin(*log, failing, 200);
    begin(*other, beside, 200);
    device.set_faults({.flush_error = 1});
    CHECK(end(failing) == -EIO);
    CHECK(end(beside) == -EIO);
    device.set_faults({});
    Sending cut_off;
    begin(*log, cut_off, 2000);
    device.crash_after(1 + seed % 3);  // of three writes
    CHECK(end(cut_off) == -ENODEV);
    reopen();
    const auto there = lengths();
    REQUIRE(!there.empty());
    CHECK(there[0] == 100);
    if (there.size() == 1) ++absent;
    // Every segment that is free.
    for (std::int32_t result = 0; result != -ENOSPC;) {
      Sending large;
      begin(*other, large, 60'000);
      result = end(large);
      REQUIRE((result == 0 || result == -ENOSPC));
    }
    reopen();
    CHECK(lengths() == there);
  });
  if (std::getenv("DEMI_SEED") == nullptr) CHECK(absent > 0);
}

TEST_CASE("a flipped bit is an error where it was, never another record, and no record is missing without an error") {
  std::size_t errors = 0;
  each_seed("flipped bit", 180, [&](std::uint64_t seed) {
    Story story(seed, {});
    story.tell_and_close();
    const auto blocks = story.device().written_blocks();
    story.device().flip(blocks[story.random().below(static_cast<std::uint32_t>(blocks.size()))]);
    demi::Failure failure;
    const bool opened = story.try_open(failure);
    INFO(failure.message);
    REQUIRE(opened);
    errors += story.salvage();
  });
  if (std::getenv("DEMI_SEED") == nullptr) CHECK(errors > 0);
}

TEST_CASE("many flipped bits are errors, of the opening or where they were") {
  each_seed("flipped bits", 140, [](std::uint64_t seed) {
    Story story(seed, {});
    story.tell_and_close();
    const auto blocks = story.device().written_blocks();
    for (std::uint32_t n = 2 + story.random().below(40); n != 0; --n)
      story.device().flip(blocks[story.random().below(static_cast<std::uint32_t>(blocks.size()))]);
    demi::Failure failure;
    if (!story.try_open(failure)) {
      CHECK((failure.error == -EBADMSG || failure.error == -EINVAL));
      return;
    }
    story.salvage();
  });
}

TEST_CASE("a block that was written to another place is an error, there and where it is missing") {
  std::uint64_t misdirected = 0;
  each_seed("misdirected block", 180, [&](std::uint64_t seed) {
    Story story(seed, {});
    story.tell_and_close({0, 0, 0, 0.004});
    misdirected += story.device().misdirections();
    demi::Failure failure;
    if (!story.try_open(failure)) {
      CHECK(failure.error == -EBADMSG);
      return;
    }
    story.salvage();
  });
  if (std::getenv("DEMI_SEED") == nullptr) CHECK(misdirected > 0);
}

}  // namespace store_simulation_test
