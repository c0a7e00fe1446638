// JavaScript can write anything into the rings and descriptors. Every field is corrupted here, one at a time.
#include <doctest/doctest.h>

#include "application.hpp"
#include "held_queue.hpp"

namespace ring_entries_test {

using namespace demi;
using demi::test::Application;

namespace {

struct Fixture {
  Application app;
  Qd qd = app.queue();

  std::int32_t result_of(Qt qt) {
    const auto c = app.wait(qt, 1);
    REQUIRE(c);
    return c->result;
  }
  // The queue still works, and everything comes back at the end.
  void sound() {
    REQUIRE(result_of(app.push(qd, app.from("sound"), layout::kFlagFree)) == 5);
    const auto c = app.wait(app.pop(qd));
    REQUIRE(c);
    CHECK(app.text(c->value) == "sound");
    app.free_all();
    app.runtime().close(qd);
    app.read_ring();
    CHECK(app.at_rest());
  }
};

constexpr int kPushFree = layout::kOpPush | layout::kFlagFree << 8;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "entry: an opcode that is none is EINVAL and counted") {
  for (const std::int32_t op : {0, 4, 6, 17, 0xff, 0x7fffff00, -256}) {
    CAPTURE(op);
    CHECK(result_of(app.start(op, qd, 0)) == -EINVAL);
  }
  CHECK(app.stats()["invalidEntries"] == 7);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a closed, stale or invented qd is EBADF, and the sga comes back") {
  const Qd closed = app.queue();
  app.runtime().close(closed);
  for (const Qd wrong :
       {closed, 0, -1, 0x7fffffff, static_cast<Qd>(0x80000000), qd + 1, qd | layout::kDerivedQueueBit}) {
    CAPTURE(wrong);
    CHECK(result_of(app.start(kPushFree, wrong, app.from("x"))) == -EBADF);
    CHECK(result_of(app.pop(wrong)) == -EBADF);
    CHECK(result_of(app.start(layout::kOpAccept, wrong, 0)) == -EBADF);
  }
  CHECK(app.stats()["appSlots"] == 0);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a token out of range is refused, under the token that was given") {
  for (const Qt wrong : {0, -1, static_cast<Qt>(app.limits().tokens), 0x7fffffff, static_cast<Qt>(0x80000000)}) {
    CAPTURE(wrong);
    app.raw(layout::kOpPop, qd, wrong, 0);
    const auto done = app.turn();
    REQUIRE(done.size() == 1);
    CHECK(done[0].qt == wrong);
    CHECK(done[0].result == -EINVAL);
  }
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a token still outstanding is refused, and the first operation goes on") {
  const Qt qt = app.pop(qd);
  app.turn();
  app.raw(layout::kOpPop, qd, qt, 0);
  app.raw(layout::kOpPop, qd, qt + (1 << layout::kTokenIndexBits), 0);  // same entry, other generation
  const auto refused = app.turn();
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].result == -EINVAL);
  CHECK(refused[1].result == -EINVAL);
  CHECK(app.stats()["outstanding"] == 1);
  app.push(qd, app.from("mine"), layout::kFlagFree | layout::kFlagQuiet);
  const auto done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == qt);
  CHECK(app.text(done[0].value) == "mine");
}

TEST_CASE_FIXTURE(Fixture, "entry: an sga that is not the application's is EINVAL and stays whole") {
  const Sga freed = app.from("freed");
  app.arena().free(freed);
  const Sga device = app.arena().alloc(10);
  const Sga chain = app.from({"a", "b"});
  const auto tail = static_cast<std::uint32_t>(app.descriptor(Application::slot_of(chain))[layout::kSlotNext]) - 1;
  const Sga tail_handle = app.descriptor(tail)[layout::kSlotHandle];
  for (const Sga wrong :
       {freed, device, tail_handle, 0, -1, 51, 52, 0x3ffff, 0x7fffffff, static_cast<Sga>(0x80000000)}) {
    CAPTURE(wrong);
    CHECK(result_of(app.push(qd, wrong)) == -EINVAL);
    CHECK(result_of(app.push(qd, wrong, layout::kFlagFree)) == -EINVAL);
    app.free(wrong);
    app.turn();
  }
  CHECK(app.text(chain) == "ab");
  CHECK(app.stats()["deviceSlots"] == 1);
  CHECK(app.stats()["invalidEntries"] >= 10);
  app.arena().free(device);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a double free is counted and frees nothing") {
  const Sga sga = app.from("x");
  app.free(sga);
  app.free(sga);
  app.turn();
  CHECK(app.stats()["invalidEntries"] == 1);
  const Sga next = app.from("y");
  app.free(sga);
  app.turn();
  CHECK(app.arena().app_owns(next));
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: an sga pushed away cannot be pushed or freed again") {
  const Sga sga = app.from("x");
  app.push(qd, sga, layout::kFlagFree | layout::kFlagQuiet);
  const Qt again = app.push(qd, sga);
  app.free(sga);
  const auto done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == again);
  CHECK(done[0].result == -EINVAL);
  CHECK(app.text(app.wait(app.pop(qd))->value) == "x");
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a range outside the slot is EINVAL, an empty sga ENOMSG") {
  const auto push_range = [&](std::int32_t offset, std::int32_t length) {
    const Sga sga = app.from({"first", "second"});
    const auto second = static_cast<std::uint32_t>(app.descriptor(Application::slot_of(sga))[layout::kSlotNext]) - 1;
    app.descriptor(second)[layout::kSlotOffset] = offset;
    app.descriptor(second)[layout::kSlotLength] = length;
    return result_of(app.push(qd, sga, layout::kFlagFree));
  };
  CHECK(push_range(0, 257) == -EINVAL);
  CHECK(push_range(257, 0) == -EINVAL);
  CHECK(push_range(-1, 2) == -EINVAL);
  CHECK(push_range(0, -1) == -EINVAL);
  CHECK(push_range(0x7fffffff, 1) == -EINVAL);
  CHECK(push_range(static_cast<std::int32_t>(0x80000000), static_cast<std::int32_t>(0x80000000)) == -EINVAL);
  CHECK(push_range(0, 0) == 5);
  const Sga empty = app.alloc({0});
  CHECK(result_of(app.push(qd, empty)) == -ENOMSG);
  CHECK(app.arena().app_owns(empty));
  CHECK(result_of(app.push(qd, empty, layout::kFlagFree)) == -ENOMSG);
  CHECK_FALSE(app.arena().app_owns(empty));
  CHECK(app.wait(app.pop(qd))->result == 5);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: descriptors the application may only read can be overwritten without effect") {
  const Sga sga = app.from({"first", "second"});
  std::int32_t* d = app.descriptor(Application::slot_of(sga));
  const std::int32_t next = d[layout::kSlotNext];
  for (const std::int32_t word : {layout::kSlotHandle, layout::kSlotNext, layout::kSlotCapacity, layout::kSlotStart}) {
    for (const std::int32_t value : {0, -1, 1, 0x7fffffff}) {
      const std::int32_t before = d[word];
      d[word] = value;
      CHECK(result_of(app.push(qd, sga)) == 11);
      d[word] = before;
      const auto popped = app.wait(app.pop(qd));
      CHECK(app.text(popped->value) == "firstsecond");
      app.arena().free(popped->value);
    }
  }
  CHECK(d[layout::kSlotNext] == next);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a quiet push has no token, and one more than there is room for is EAGAIN") {
  const Sga sga = app.from("x");
  CHECK(result_of(app.start(layout::kOpPush | layout::kFlagQuiet << 8, qd, sga)) == -EINVAL);
  app.push(qd + 1, sga, layout::kFlagQuiet);
  auto failed = app.turn();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].qt == 0);
  CHECK(failed[0].qd == qd + 1);
  CHECK(failed[0].result == -EBADF);

  const Qd held = test::add_held_queue(app.runtime()).qd();
  for (std::uint32_t i = 0; i < OpTable::kQuietOps; ++i) app.push(held, sga, layout::kFlagQuiet);
  app.push(held, app.from("y"), layout::kFlagQuiet | layout::kFlagFree);  // refused, and freed as promised
  failed = app.turn();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].result == -EAGAIN);
  CHECK(app.stats()["appSlots"] == 1);
  CHECK(app.stats()["deviceSlots"] == 0);
  app.runtime().close(held);
  for (int i = 0; i < 1000; ++i) app.turn();
  app.push(qd, sga, layout::kFlagQuiet | layout::kFlagFree);  // there is room again
  CHECK(app.turn().empty());
  CHECK(app.text(app.wait(app.pop(qd))->value) == "x");
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: a negative pop limit is EINVAL") {
  CHECK(result_of(app.pop(qd, -1)) == -EINVAL);
  CHECK(result_of(app.pop(qd, static_cast<std::int32_t>(0x80000000))) == -EINVAL);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "entry: calls a memory queue has not are EOPNOTSUPP") {
  CHECK(result_of(app.start(layout::kOpAccept, qd, 0)) == -EOPNOTSUPP);
  const Qt qt = app.take_token();
  CHECK(app.runtime().connect(qd, qt, Address{}) == 0);
  CHECK(result_of(qt) == -EOPNOTSUPP);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "control: connect, cancel, drop and close of what is not there") {
  CHECK(app.runtime().connect(qd + 1, app.take_token(), Address{}) == -EBADF);
  CHECK(app.runtime().connect(qd, 0, Address{}) == -EINVAL);
  CHECK(app.runtime().connect(qd, static_cast<Qt>(app.limits().tokens), Address{}) == -EINVAL);
  for (const Qt wrong : {0, -1, 1, 0x7fffffff}) {
    CHECK(app.runtime().cancel(wrong) == -ENOENT);
    CHECK(app.runtime().drop(wrong) == -ENOENT);
    CHECK(app.runtime().close(wrong) == -EBADF);
  }
  sound();
}

TEST_CASE_FIXTURE(Fixture, "ring: a submission tail beyond the ring is dropped as a whole and counted") {
  for (const std::int32_t tail : {17, 1000, 0x7fffffff, -1}) {
    CAPTURE(tail);
    const std::int32_t invalid = static_cast<std::int32_t>(app.stats()["invalidEntries"]);
    app.word(layout::kWordSqTail) = tail;
    CHECK(app.turn().empty());
    CHECK(app.stats()["invalidEntries"] == invalid + 1);
    CHECK(app.word(layout::kWordSqTail) == 0);
  }
  sound();
}

TEST_CASE_FIXTURE(Fixture, "ring: completion indices that JavaScript overwrites corrupt nothing outside the ring") {
  for (const std::int32_t head : {5, 17, -1, 0x7fffffff, static_cast<std::int32_t>(0x80000000)}) {
    CAPTURE(head);
    app.word(layout::kWordCqHead) = head;
    app.word(layout::kWordCqTail) = head;
    for (int i = 0; i < 40; ++i) app.raw(layout::kOpPop, qd, 0, 0);  // each is refused with a completion
    for (int i = 0; i < 10; ++i) app.resynchronize();
    CHECK(app.stats()["completionBacklog"] == 0);
  }
  sound();
}

TEST_CASE_FIXTURE(Fixture, "ring: completions beyond every bound are counted as lost") {
  const double invalid = 16 + 64 + 100;
  const auto no_token = static_cast<Qt>(app.limits().tokens);
  for (int i = 0; i < invalid; ++i) app.raw(layout::kOpPop, qd, no_token, 0);
  app.runtime().submit();
  CHECK(app.stats()["completionBacklog"] == 64);
  CHECK(app.stats()["lostCompletions"] == 100);
  int got = 0;
  for (int i = 0; i < 20; ++i) got += static_cast<int>(app.turn().size());
  CHECK(got == 80);
  sound();
}

TEST_CASE_FIXTURE(Fixture, "ring: a corrupted count of returned tokens writes nowhere outside its list") {
  for (const std::int32_t count :
       {-1, static_cast<std::int32_t>(app.limits().tokens), 0x7fffffff, static_cast<std::int32_t>(0x80000000)}) {
    CAPTURE(count);
    app.word(layout::kWordReturnedCount) = count;
    const Qt qt = app.pop(qd);
    app.turn();
    CHECK(app.runtime().drop(qt) == 0);
    CHECK(app.word(layout::kWordReturnedCount) == count);
    app.give_back(qt);
  }
  app.word(layout::kWordReturnedCount) = 0;
  app.turn();
  sound();
}

TEST_CASE_FIXTURE(Fixture, "control page: what tells JavaScript where things are is not read back") {
  const Sga sga = app.from("x");
  const std::vector<std::int32_t> before(app.words(), app.words() + layout::kWordSqTail);
  for (std::int32_t i = 0; i < layout::kWordSqTail; ++i) app.word(i) = 0x7ffffff0;
  const std::uint32_t n = app.runtime().refill(0, 64);
  CHECK(n > 0);
  std::copy(before.begin(), before.end(), app.words());
  for (std::uint32_t i = 0; i < n; ++i)
    CHECK(app.arena().app_owns(app.word(app.word(layout::kWordScratchBase) + static_cast<std::int32_t>(i))));
  CHECK(app.text(sga) == "x");
  sound();
}

TEST_CASE_FIXTURE(Fixture, "refill: bounded by what is asked, what is free and the scratch words") {
  CHECK(app.runtime().refill(99, 1) == 0);
  CHECK(app.runtime().refill(0xffffffff, 1) == 0);
  CHECK(app.runtime().refill(0, 0) == 0);
  CHECK(app.runtime().refill(0, 0xffffffff) == 4);  // an eighth of 32
  CHECK(app.runtime().refill(2, 10) == 1);          // at least one
  while (app.runtime().refill(2, 10) != 0) {
  }
  CHECK(app.arena().free_slots(2) == 0);
  sound();
}

}  // namespace ring_entries_test
