#include <doctest/doctest.h>

#include "application.hpp"

namespace memory_queue_test {

using namespace demi;
using demi::test::Application;

TEST_CASE("memory queue: elements pop in the order they were pushed") {
  Application app;
  const Qd qd = app.queue();
  for (const char* s : {"one", "two", "three"}) app.push(qd, app.from(s), layout::kFlagFree);
  const Qt pops[] = {app.pop(qd), app.pop(qd), app.pop(qd)};
  std::vector<std::string> got;
  for (const auto& c : app.turn()) {
    if (c.value == 0) continue;
    CHECK(c.qt == pops[got.size()]);
    CHECK(c.qd == qd);
    CHECK(c.result == static_cast<std::int32_t>(app.text(c.value).size()));
    got.push_back(app.text(c.value));
    app.free(c.value);
  }
  CHECK(got == std::vector<std::string>{"one", "two", "three"});
  app.runtime().submit();
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

TEST_CASE("memory queue: pops that wait are served oldest first") {
  Application app;
  const Qd qd = app.queue();
  const Qt first = app.pop(qd);
  const Qt second = app.pop(qd);
  CHECK(app.turn().empty());
  app.push(qd, app.from("a"), layout::kFlagFree | layout::kFlagQuiet);
  auto done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == first);
  app.push(qd, app.from("b"), layout::kFlagFree | layout::kFlagQuiet);
  done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == second);
  CHECK(app.text(done[0].value) == "b");
}

TEST_CASE("memory queue: an sga given away moves, bytes and all; its old handle is dead") {
  Application app;
  const Qd qd = app.queue();
  const Sga sga = app.from({"seg", "ments"});
  const auto* memory = app.arena().bytes_of(sga).data();
  app.push(qd, sga, layout::kFlagFree);
  app.runtime().submit();
  CHECK_FALSE(app.arena().app_owns(sga));
  app.turn();
  const auto popped = app.wait(app.pop(qd));
  REQUIRE(popped);
  CHECK(app.segments(popped->value) == std::vector<std::string>{"seg", "ments"});
  CHECK(app.arena().bytes_of(popped->value).data() == memory);
}

TEST_CASE("memory queue: an sga kept is copied: changing it afterwards changes nothing") {
  Application app;
  const Qd qd = app.queue();
  const Sga sga = app.from({"abc", "def"});
  const auto pushed = app.wait(app.push(qd, sga));
  REQUIRE(pushed);
  CHECK(pushed->result == 6);
  CHECK(app.arena().app_owns(sga));
  app.arena().bytes_of(sga)[0] = 'X';
  const auto popped = app.wait(app.pop(qd));
  REQUIRE(popped);
  CHECK(popped->value != sga);
  CHECK(app.segments(popped->value) == std::vector<std::string>{"abc", "def"});
}

TEST_CASE("memory queue: a range inside the slot travels, the rest does not") {
  Application app;
  const Qd qd = app.queue();
  const Sga sga = app.from("0123456789");
  app.descriptor(Application::slot_of(sga))[layout::kSlotOffset] = 3;
  app.descriptor(Application::slot_of(sga))[layout::kSlotLength] = 4;
  app.push(qd, sga, layout::kFlagFree);
  const auto popped = app.wait(app.pop(qd));
  REQUIRE(popped);
  CHECK(popped->result == 4);
  CHECK(app.text(popped->value) == "3456");
}

TEST_CASE("memory queue: a full queue keeps pushes pending, in order, until a pop makes room") {
  Application app;
  const Qd qd = app.queue(2);
  std::vector<Qt> pushes;
  for (const char* s : {"a", "b", "c", "d"}) pushes.push_back(app.push(qd, app.from(s), layout::kFlagFree));
  auto done = app.turn();
  REQUIRE(done.size() == 2);
  CHECK(done[0].qt == pushes[0]);
  CHECK(done[1].qt == pushes[1]);
  const Qt pop = app.pop(qd);
  done = app.turn();
  REQUIRE(done.size() == 2);
  CHECK(done[0].qt == pop);
  CHECK(app.text(done[0].value) == "a");
  CHECK(done[1].qt == pushes[2]);
  std::string rest;
  for (int i = 0; i < 3; ++i) rest += app.text(app.wait(app.pop(qd))->value);
  CHECK(rest == "bcd");
}

TEST_CASE("memory queue: a cancelled push leaves the order of the others") {
  Application app;
  const Qd qd = app.queue(1);
  app.push(qd, app.from("a"), layout::kFlagFree);
  const Qt cancelled = app.push(qd, app.from("b"), layout::kFlagFree);
  app.push(qd, app.from("c"), layout::kFlagFree);
  app.turn();
  CHECK(app.runtime().cancel(cancelled) == 1);
  CHECK(app.runtime().cancel(cancelled) == -ENOENT);
  const auto done = app.read_ring();
  REQUIRE(done.size() == 1);
  CHECK(done[0].result == -ECANCELED);
  std::string rest;
  for (int i = 0; i < 2; ++i) rest += app.text(app.wait(app.pop(qd))->value);
  CHECK(rest == "ac");
  app.free_all();
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

TEST_CASE("memory queue: a cancelled pop takes no element") {
  Application app;
  const Qd qd = app.queue();
  const Qt cancelled = app.pop(qd);
  const Qt kept = app.pop(qd);
  app.turn();
  CHECK(app.runtime().cancel(cancelled) == 1);
  app.read_ring();
  app.push(qd, app.from("x"), layout::kFlagFree | layout::kFlagQuiet);
  const auto done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == kept);
}

TEST_CASE("memory queue: a dropped pop ends without a completion and takes no element") {
  Application app;
  const Qd qd = app.queue();
  const Qt dropped = app.pop(qd);
  app.turn();
  CHECK(app.runtime().drop(dropped) == 0);
  CHECK(app.runtime().drop(dropped) == -ENOENT);
  CHECK(app.turn().empty());
  CHECK(app.returned() == std::vector<Qt>{dropped});
  const Qt push = app.push(qd, app.from("x"), layout::kFlagFree);
  REQUIRE(app.wait(push));
  CHECK(app.text(app.wait(app.pop(qd))->value) == "x");
}

TEST_CASE("memory queue: close ends what waits with ECANCELED and frees what is queued") {
  SUBCASE("pops") {
    Application app;
    const Qd qd = app.queue();
    const Qt pop = app.pop(qd);
    app.turn();
    app.runtime().close(qd);
    const auto done = app.read_ring();
    REQUIRE(done.size() == 1);
    CHECK(done[0].qt == pop);
    CHECK(done[0].result == -ECANCELED);
    CHECK(app.at_rest());
  }
  SUBCASE("pushes") {
    Application app;
    const Qd qd = app.queue(1);
    app.push(qd, app.from("a"), layout::kFlagFree);
    const Sga kept = app.from("b");
    app.push(qd, kept);
    app.push(qd, app.from("c"), layout::kFlagFree | layout::kFlagQuiet);
    app.turn();
    app.runtime().close(qd);
    const auto done = app.read_ring();
    REQUIRE(done.size() == 2);  // quiet pushes that fail are told
    CHECK(done[0].result == -ECANCELED);
    CHECK(done[1].result == -ECANCELED);
    CHECK(app.arena().app_owns(kept));
    app.arena().free(kept);
    CHECK(app.at_rest());
  }
}

TEST_CASE("memory queue: an element longer than the limit stays, the pop ends with EMSGSIZE") {
  Application app;
  const Qd qd = app.queue();
  SUBCASE("queued before the pop") {
    app.push(qd, app.from("12345"), layout::kFlagFree | layout::kFlagQuiet);
    CHECK(app.wait(app.pop(qd, 4))->result == -EMSGSIZE);
  }
  SUBCASE("pushed while pops wait: it goes to the first that takes it") {
    const Qt small = app.pop(qd, 4);
    const Qt enough = app.pop(qd, 5);
    app.turn();
    app.push(qd, app.from("12345"), layout::kFlagFree | layout::kFlagQuiet);
    CHECK(app.wait(small)->result == -EMSGSIZE);
    const auto got = app.wait(enough);
    REQUIRE(got);
    CHECK(app.text(got->value) == "12345");
    app.push(qd, app.from("12345"), layout::kFlagFree | layout::kFlagQuiet);
  }
  CHECK(app.text(app.wait(app.pop(qd, 5))->value) == "12345");
}

TEST_CASE("memory queue: a push that finds no memory for its copy is ENOBUFS") {
  Limits limits = test::small_limits();
  limits.classes = {{256, 1}};
  Application app(limits);
  const Qd qd = app.queue();
  const Sga only = app.from("x");
  CHECK(app.wait(app.push(qd, only))->result == -ENOBUFS);
  CHECK(app.arena().app_owns(only));
  CHECK(app.wait(app.push(qd, only, layout::kFlagFree))->result == 1);  // moving needs none
}

TEST_CASE("memory queue: an sga pushed twice at once arrives twice") {
  Application app;
  const Qd a = app.queue();
  const Qd b = app.queue();
  const Sga sga = app.from("both");
  app.push(a, sga);
  app.push(b, sga, layout::kFlagFree);
  CHECK(app.text(app.wait(app.pop(a))->value) == "both");
  CHECK(app.text(app.wait(app.pop(b))->value) == "both");
  app.free_all();
  app.runtime().close(a);
  app.runtime().close(b);
  CHECK(app.at_rest());
}

TEST_CASE("memory queue: a long queue wraps around its ring") {
  Limits limits = test::small_limits();
  limits.classes = {{64, 256}};
  Application app(limits);
  const Qd qd = app.queue(200);
  std::uint32_t pushed = 0;
  std::uint32_t popped = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 37 && pushed - popped < 200; ++i, ++pushed) {
      app.push(qd, app.from(std::to_string(pushed)), layout::kFlagFree | layout::kFlagQuiet);
      CHECK(app.turn().empty());
      app.returned();
    }
    for (int i = 0; i < 31 && popped < pushed; ++i, ++popped) {
      const auto c = app.wait(app.pop(qd));
      REQUIRE(c);
      REQUIRE(app.text(c->value) == std::to_string(popped));
      app.free(c->value);
    }
  }
  app.runtime().submit();
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

TEST_CASE("memory queue: shutdown ends it behind what it holds and what waits for room") {
  Application app;
  const Qd qd = app.queue(1);
  for (const char* text : {"a", "b"}) app.push(qd, app.from(text), layout::kFlagFree | layout::kFlagQuiet);
  app.turn();
  CHECK(app.runtime().find(qd)->shutdown() == 0);
  CHECK(app.runtime().find(qd)->shutdown() == 0);
  const auto late = app.wait(app.push(qd, app.from("c"), layout::kFlagFree));
  REQUIRE(late);
  CHECK(late->result == -EPIPE);
  for (const char* text : {"a", "b"}) {
    const auto popped = app.wait(app.pop(qd));
    REQUIRE(popped);
    CHECK(app.text(popped->value) == text);
    app.free(popped->value);
  }
  for (int i = 0; i < 2; ++i) {
    const auto end = app.wait(app.pop(qd));
    REQUIRE(end);
    CHECK(end->result == 0);
    CHECK(end->value == 0);
  }
  app.runtime().submit();
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

}  // namespace memory_queue_test
