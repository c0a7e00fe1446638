#include <doctest/doctest.h>

#include "application.hpp"
#include "held_queue.hpp"

namespace completion_ring_test {

using namespace demi;
using demi::test::Application;

TEST_CASE("completion ring: what finds it full follows later, in order, and none is lost") {
  Application app;  // 16 entries, 64 tokens
  auto& queue = test::add_held_queue(app.runtime());
  std::vector<Qt> started;
  for (int i = 0; i < 64; ++i) started.push_back(app.pop(queue.qd()));
  app.runtime().submit();
  for (int i = 0; i < 64; ++i) queue.finish(i + 1);
  CHECK(app.stats()["completionBacklog"] == 48);
  CHECK(app.word(layout::kWordCqMore) == 1);
  std::vector<test::Completion> done = app.read_ring();
  CHECK(done.size() == 16);
  while (done.size() < 64) {
    const auto more = app.turn();
    REQUIRE_FALSE(more.empty());
    done.insert(done.end(), more.begin(), more.end());
  }
  CHECK(app.word(layout::kWordCqMore) == 0);
  for (int i = 0; i < 64; ++i) {
    CHECK(done[i].qt == started[i]);
    CHECK(done[i].result == i + 1);
  }
  CHECK(app.stats()["lostCompletions"] == 0);
}

TEST_CASE("completion ring: a later completion does not overtake the backlog") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  std::vector<Qt> started;
  for (int i = 0; i < 20; ++i) started.push_back(app.pop(queue.qd()));
  app.runtime().submit();
  for (int i = 0; i < 18; ++i) queue.finish(1);  // 16 in the ring, 2 behind
  std::vector<Qt> order;
  for (const auto& c : app.read_ring()) order.push_back(c.qt);  // now the ring has room again
  queue.finish(1);
  queue.finish(1);
  while (order.size() < 20) {
    const auto more = app.turn();
    REQUIRE_FALSE(more.empty());
    for (const auto& c : more) order.push_back(c.qt);
  }
  CHECK(order == started);
}

TEST_CASE("completion ring: an unread ring holds back nothing but completions") {
  Application app;
  const Qd qd = app.queue();
  for (int i = 0; i < 30; ++i) app.push(qd, app.from("x"), layout::kFlagFree);
  app.runtime().poll(0);
  app.runtime().poll(0);
  CHECK(app.stats()["outstanding"] == 0);
  CHECK(app.stats()["completionBacklog"] == 14);
  int got = 0;
  for (int i = 0; i < 5; ++i) got += static_cast<int>(app.turn().size());
  CHECK(got == 30);
}

TEST_CASE("completion ring: failed quiet pushes, however many, displace no token's completion") {
  Application app;  // 16 entries, 64 tokens
  auto& queue = test::add_held_queue(app.runtime());
  const Qd qd = queue.qd();
  const Sga sga = app.from("x");
  for (std::uint32_t i = 0; i < OpTable::kQuietOps + 1000; ++i) app.push(qd, sga, layout::kFlagQuiet);
  std::vector<Qt> started;
  for (int i = 0; i < 64; ++i) started.push_back(app.pop(qd));
  app.runtime().submit();
  CHECK(app.stats()["outstanding"] == OpTable::kQuietOps + 64);
  app.runtime().close(qd);
  std::vector<Qt> order;
  std::uint32_t quiet_failures = 0;
  for (int i = 0; i < 1000; ++i) {
    for (const auto& c : app.turn()) {
      if (c.qt == 0) {
        CHECK((c.result == -EAGAIN || c.result == -ECANCELED));
        ++quiet_failures;
      } else {
        CHECK(c.result == -ECANCELED);
        order.push_back(c.qt);
      }
    }
  }
  CHECK(order == started);
  CHECK(quiet_failures + app.stats()["lostCompletions"] == OpTable::kQuietOps + 1000);
  CHECK(quiet_failures >= OpTable::kQuietOps);
  app.free(sga);
  app.turn();
  CHECK(app.at_rest());
}

TEST_CASE("completion ring: one that is never read to its end takes no more than it holds, and loses nothing") {
  Application app;  // 16 entries
  const Qd qd = app.queue();
  std::vector<std::string> got;
  int sent = 0;
  // Every turn leaves the newest completion unread.
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < (round % 20 < 10 ? 3 : 0); ++i) {
      app.push(qd, app.from(std::to_string(sent++)), layout::kFlagFree | layout::kFlagQuiet);
      app.pop(qd);
    }
    app.runtime().poll(0);
    const std::int32_t tail = app.word(layout::kWordCqTail);
    REQUIRE(tail <= 16);
    if (round % 10 != 9) app.word(layout::kWordCqTail) = tail - 1;
    for (const auto& c : app.read_ring()) {
      REQUIRE(c.result > 0);
      got.push_back(app.text(c.value));
      app.arena().free(c.value);
    }
    app.word(layout::kWordCqTail) = tail;
  }
  for (int i = 0; i < 100; ++i) {
    for (const auto& c : app.turn()) {
      got.push_back(app.text(c.value));
      app.arena().free(c.value);
    }
  }
  REQUIRE(got.size() == static_cast<std::size_t>(sent));
  for (int i = 0; i < sent; ++i) CHECK(got[i] == std::to_string(i));
  CHECK(app.stats()["lostCompletions"] == 0);
}

TEST_CASE("a million operations leave nothing behind") {
  Limits limits = test::small_limits();
  limits.ring_entries = 256;
  limits.tokens = 256;
  limits.classes = {{64, 256}};
  Application app(limits);
  const Qd qd = app.queue();
  std::uint64_t popped = 0;
  std::uint64_t wrong = 0;
  std::uint32_t expected = 0;
  std::uint32_t sent = 0;
  while (popped < 500'000) {
    for (int i = 0; i < 64; ++i) {
      const Sga sga = app.alloc({4});
      if (sga == 0) break;
      std::memcpy(app.arena().slot_start(sga), &sent, 4);
      ++sent;
      app.push(qd, sga, layout::kFlagFree | layout::kFlagQuiet);
      app.pop(qd);
    }
    for (const auto& c : app.turn()) {
      std::uint32_t got = 0;
      if (c.result == 4) std::memcpy(&got, app.segment(Application::slot_of(c.value)).data(), 4);
      if (c.result != 4 || got != expected++) ++wrong;
      app.free(c.value);
      ++popped;
    }
    app.returned();
  }
  app.turn();
  CHECK(wrong == 0);
  CHECK(app.stats()["completed"] >= 1'000'000);
  CHECK(app.stats()["invalidEntries"] == 0);
  CHECK(app.tokens_left() == 256);
  app.runtime().close(qd);
  CHECK(app.at_rest());
  CHECK(app.arena().free_slots(0) == 256);
}

}  // namespace completion_ring_test
