#include <doctest/doctest.h>

#include <deque>

#include "application.hpp"
#include "demi/net/accept_queue.hpp"
#include "held_queue.hpp"

namespace accept_queue_test {

using namespace demi;
using demi::test::Application;
using demi::test::Completion;

namespace {

using Results = std::vector<std::int32_t>;

Limits limits(std::uint32_t queues = 8) {
  Limits out = test::small_limits();
  out.tokens = 256;
  out.ring_entries = 256;
  out.queues = queues;
  return out;
}

// A listener whose device is a list of what accept(2) would say: 0 for a connection, which stays where it is after a shortage.
class Desk final : public net::AcceptQueue {
 public:
  using AcceptQueue::AcceptQueue;

  std::deque<int> answers;
  int asked = 0;
  int pauses = 0;

 private:
  std::unique_ptr<Queue> socket() override { return std::make_unique<test::HeldQueue>(runtime_); }
  int take(Queue&) override {
    ++asked;
    if (answers.empty()) return -EAGAIN;
    const int answer = answers.front();
    answers.pop_front();
    return answer;
  }
  void pause() override {
    ++pauses;
    AcceptQueue::pause();
  }
};

// One whose device hands over connections with a number.
class Backlog final : public net::ConnectionBacklog<int> {
 public:
  using ConnectionBacklog::ConnectionBacklog;
  std::vector<int> established;

 private:
  std::unique_ptr<Queue> socket() override { return std::make_unique<test::HeldQueue>(runtime_); }
  void establish(Queue&, std::unique_ptr<int> connection) override { established.push_back(*connection); }
};

// The socket in front of either.
class Listener final : public Queue {
 public:
  Listener(Runtime& runtime, net::AcceptQueue& accepts) : Queue(runtime), accepts_(accepts) {}
  void accept(Op& op) override { accepts_.accept(op); }
  bool cancel(Op& op) override { return accepts_.cancel(op); }
  void close(std::unique_ptr<Queue>) override { accepts_.end_accepts(); }

 private:
  net::AcceptQueue& accepts_;
};

template <class Accepts>
struct Listening {
  template <class... More>
  explicit Listening(const Limits& limits, More... more)
      : app(limits), retries(app.arena()), accepts(app.runtime(), retries, more...) {
    qd = app.runtime().adopt(std::make_unique<Listener>(app.runtime(), accepts));
  }

  ~Listening() { app.runtime().close(qd); }

  Qt accept() { return app.start(layout::kOpAccept, qd, 0); }
  std::vector<Completion> turn() {
    retries.run();
    return app.turn();
  }
  Results results() {
    Results out;
    for (const Completion& c : turn()) {
      CHECK((c.value > 0) == (c.result == 0));
      out.push_back(c.result);
    }
    return out;
  }
  double queues() { return app.stats()["queues"]; }

  Application app;
  net::RetryLists retries;
  Accepts accepts;
  Qd qd = 0;
};

}  // namespace

// ---- connections that are asked for -----------------------------------------------------------------------------------

TEST_CASE("accept: in order, each with a queue, and as long as there are connections") {
  Listening<Desk> s(limits());
  s.accepts.answers = {0, 0};
  const Qt first = s.accept();
  const Qt second = s.accept();
  const Qt third = s.accept();
  const auto done = s.turn();
  REQUIRE(done.size() == 2);
  CHECK(done[0].qt == first);
  CHECK(done[1].qt == second);
  CHECK(done[0].value != done[1].value);
  CHECK(s.app.runtime().find(done[0].value) != nullptr);
  // Nothing there: no queue is left behind.
  CHECK(s.queues() == 3);
  s.accepts.answers = {0};
  CHECK(s.turn().empty());
  s.accepts.arrived();
  CHECK(s.turn().at(0).qt == third);
  // Nobody waits: nobody asks.
  const int asked = s.accepts.asked;
  s.accepts.answers = {0};
  s.accepts.arrived();
  CHECK(s.accepts.asked == asked);
}

TEST_CASE("accept: a connection that was lost costs nobody an accept; any other error ends one") {
  Listening<Desk> s(limits());
  s.accepts.answers = {-ECONNABORTED, -EPROTO, 0, -EINVAL, 0};
  for (int i = 0; i < 3; ++i) s.accept();
  CHECK(s.results() == Results{0, -EINVAL, 0});
  CHECK(s.queues() == 3);
}

TEST_CASE("accept: a shortage keeps the accepts until a descriptor was closed") {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    CAPTURE(error);
    Listening<Desk> s(limits());
    s.accepts.answers = {-error, 0, 0};
    s.accept();
    CHECK(s.turn().empty());
    CHECK(s.accepts.pauses == 1);
    // It does not spin on the error.
    s.accept();
    s.accepts.arrived();
    CHECK(s.turn().empty());
    CHECK(s.accepts.asked == 1);
    s.retries.descriptor_closed();
    CHECK(s.results() == Results{0, 0});
    CHECK(s.accepts.pauses == 1);
  }
}

TEST_CASE("accept: without a queue descriptor nobody is asked, and the connection stays") {
  Listening<Desk> s(limits(3));
  s.accepts.answers = {0, 0, 0};
  for (int i = 0; i < 3; ++i) s.accept();
  const auto done = s.turn();
  CHECK(done.size() == 2);
  CHECK(s.accepts.asked == 2);
  CHECK(s.accepts.pauses == 1);
  CHECK(s.app.runtime().close(done.at(0).value) == 0);
  s.retries.descriptor_closed();
  CHECK(s.results() == Results{0});
  CHECK(s.accepts.answers.empty());
}

TEST_CASE("accept: after a turn of them others have theirs") {
  constexpr std::size_t kTurn = net::AcceptQueue::kTurn;
  Listening<Desk> s(limits(256));
  for (std::size_t i = 0; i < kTurn + 1; ++i) s.accept();
  CHECK(s.turn().empty());
  s.accepts.answers.assign(kTurn + 1, 0);
  s.accepts.arrived();
  CHECK(s.app.turn().size() == kTurn);
  CHECK(s.retries.any_soon());
  CHECK(s.turn().size() == 1);
  CHECK_FALSE(s.retries.any_soon());
}

TEST_CASE("accept: cancelled and closed ones are ECANCELED, and nothing follows") {
  Listening<Desk> s(limits());
  s.accepts.answers = {-EMFILE, 0};
  const Qt cancelled = s.accept();
  const Qt closed = s.accept();
  s.turn();
  CHECK(s.app.runtime().cancel(cancelled) == 1);
  CHECK(s.app.runtime().close(s.qd) == 0);
  const auto done = s.turn();
  REQUIRE(done.size() == 2);
  CHECK(done[0].qt == cancelled);
  CHECK(done[1].qt == closed);
  CHECK(done[0].result == -ECANCELED);
  CHECK(done[1].result == -ECANCELED);
  CHECK(s.retries.empty());
  CHECK(s.queues() == 0);
}

// ---- connections that are handed over -----------------------------------------------------------------------------------

TEST_CASE("backlog: connections wait for accepts, and accepts for connections, in order") {
  Listening<Backlog> s(limits(), 4);
  s.accepts.add(std::make_unique<int>(1));
  s.accepts.add(std::make_unique<int>(2));
  CHECK(s.queues() == 1);
  for (int i = 0; i < 3; ++i) s.accept();
  CHECK(s.results() == Results{0, 0});
  s.accepts.add(std::make_unique<int>(3));
  CHECK(s.results() == Results{0});
  CHECK(s.accepts.established == std::vector<int>{1, 2, 3});
}

TEST_CASE("backlog: full at its limit, those counted that are on their way") {
  Listening<Backlog> s(limits(), 2);
  CHECK_FALSE(s.accepts.full(1));
  CHECK(s.accepts.full(2));
  s.accepts.add(std::make_unique<int>(1));
  CHECK_FALSE(s.accepts.full(0));
  CHECK(s.accepts.full(1));
  s.accepts.add(std::make_unique<int>(2));
  CHECK(s.accepts.full(0));
  s.accept();
  CHECK(s.results() == Results{0});
  CHECK_FALSE(s.accepts.full(0));
  // As listen(2) has it: one at least, and no more than a port has numbers.
  for (const auto& [given, taken] : {std::pair{0, 1}, {-5, 1}, {1, 1}, {65535, 65535}, {65536, 65535}}) {
    CAPTURE(given);
    CHECK(net::AcceptQueue::clamp_backlog(given) == taken);
    Listening<Backlog> other(limits(), given);
    CHECK(other.accepts.full(static_cast<std::size_t>(taken)));
    CHECK_FALSE(other.accepts.full(static_cast<std::size_t>(taken) - 1));
  }
}

TEST_CASE("backlog: without a queue descriptor they wait, and closing gives them back") {
  Listening<Backlog> s(limits(2), 4);
  for (int i = 1; i <= 3; ++i) s.accepts.add(std::make_unique<int>(i));
  s.accept();
  s.accept();
  CHECK(s.results() == Results{0});
  CHECK(s.accepts.linked());
  auto rest = s.accepts.close();
  REQUIRE(rest.size() == 2);
  CHECK(*rest[0] == 2);
  CHECK(*rest[1] == 3);
  CHECK(s.results() == Results{-ECANCELED});
  CHECK(s.retries.empty());
  CHECK_FALSE(s.accepts.full(3));
}

}  // namespace accept_queue_test
