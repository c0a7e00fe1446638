// Operations the device holds for a while: cancel, drop, close and memory in flight.
#include <doctest/doctest.h>

#include "application.hpp"
#include "held_queue.hpp"

namespace operations_test {

using namespace demi;
using demi::test::Application;

TEST_CASE("operation: an sga freed while it is being sent stays until the device is done") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  const Sga sga = app.from("in flight");
  app.push(queue.qd(), sga);
  app.free(sga);
  app.turn();
  CHECK_FALSE(app.arena().app_owns(sga));
  CHECK(app.stats()["deviceSlots"] == 1);
  queue.finish(9);
  CHECK(app.stats()["deviceSlots"] == 0);
  const auto done = app.read_ring();
  REQUIRE(done.size() == 1);
  CHECK(done[0].result == 9);
  app.runtime().close(queue.qd());
  CHECK(app.at_rest());
}

TEST_CASE("operation: the sga of several pushes goes with the last of them") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  const Sga sga = app.from("thrice");
  app.push(queue.qd(), sga);
  app.push(queue.qd(), sga, layout::kFlagFree);
  const Qt late = app.push(queue.qd(), sga);  // given away just before
  const auto done = app.turn();
  REQUIRE(done.size() == 1);
  CHECK(done[0].qt == late);
  CHECK(done[0].result == -EINVAL);
  queue.finish(6);
  CHECK(app.stats()["deviceSlots"] == 1);
  queue.finish(-EPIPE);
  CHECK(app.stats()["deviceSlots"] == 0);
}

TEST_CASE("operation: a push of other ranges while one is in flight is EBUSY") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  const Sga sga = app.from("busy");
  app.push(queue.qd(), sga);
  app.turn();
  app.descriptor(Application::slot_of(sga))[layout::kSlotLength] = 2;
  CHECK(app.wait(app.push(queue.qd(), sga))->result == -EBUSY);
  CHECK(app.arena().bytes_of(sga).size() == 4);
  queue.finish(4);
}

TEST_CASE("operation: cancel") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  const Qt qt = app.push(queue.qd(), app.from("x"), layout::kFlagFree);
  app.turn();
  SUBCASE("in time: ECANCELED, memory back") {
    CHECK(app.runtime().cancel(qt) == 1);
    CHECK(app.read_ring().at(0).result == -ECANCELED);
    CHECK(app.stats()["deviceSlots"] == 0);
  }
  SUBCASE("too late: it completes by itself") {
    queue.recallable = false;
    CHECK(app.runtime().cancel(qt) == 0);
    CHECK(app.read_ring().empty());
    queue.finish(1);
    CHECK(app.read_ring().at(0).result == 1);
    CHECK(app.runtime().cancel(qt) == -ENOENT);
  }
}

TEST_CASE("operation: a dropped pop frees what it brings") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  queue.recallable = false;
  const Qt qt = app.pop(queue.qd());
  app.turn();
  CHECK(app.runtime().drop(qt) == 0);
  CHECK(app.stats()["outstanding"] == 1);
  queue.finish(10, app.arena().alloc(10));
  CHECK(app.read_ring().empty());
  CHECK(app.returned() == std::vector<Qt>{qt});
  app.runtime().close(queue.qd());
  CHECK(app.at_rest());
}

TEST_CASE("operation: a dropped accept closes the connection it brings") {
  Application app;
  auto& listener = test::add_held_queue(app.runtime());
  listener.recallable = false;
  const Qt qt = app.start(layout::kOpAccept, listener.qd(), 0);
  app.turn();
  CHECK(app.runtime().drop(qt) == 0);
  auto& connection = test::add_held_queue(app.runtime());
  const Qd qd = connection.qd();
  listener.finish(0, qd);
  CHECK(app.runtime().find(qd) == nullptr);
  CHECK(app.read_ring().empty());
}

TEST_CASE("operation: a dropped push that fails stays silent") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  queue.recallable = false;
  const Qt qt = app.push(queue.qd(), app.from("x"), layout::kFlagFree);
  app.turn();
  app.runtime().drop(qt);
  queue.finish(-ECONNRESET);
  CHECK(app.read_ring().empty());
  CHECK(app.stats()["deviceSlots"] == 0);
}

TEST_CASE("operation: close ends everything with ECANCELED, oldest first") {
  Application app;
  auto& queue = test::add_held_queue(app.runtime());
  const Qd qd = queue.qd();
  std::vector<Qt> started{app.pop(qd), app.push(qd, app.from("x")), app.start(layout::kOpAccept, qd, 0)};
  const Qt connect = app.take_token();
  app.turn();
  app.runtime().connect(qd, connect, Address{});
  started.push_back(connect);
  app.runtime().close(qd);
  const auto done = app.read_ring();
  REQUIRE(done.size() == started.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    CHECK(done[i].qt == started[i]);
    CHECK(done[i].result == -ECANCELED);
    CHECK(done[i].qd == qd);
  }
  app.free_all();
  CHECK(app.at_rest());
}

TEST_CASE("operation: a runtime that is destroyed closes what is open") {
  auto app = std::make_unique<Application>();
  auto& queue = test::add_held_queue(app->runtime());
  app->queue();
  app->push(queue.qd(), app->from("x"));
  app->pop(queue.qd());
  app->turn();
  app.reset();  // AddressSanitizer reports what this leaves behind
}

}  // namespace operations_test
