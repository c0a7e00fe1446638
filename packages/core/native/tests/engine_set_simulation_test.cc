// The runtime over two devices that are late, fail, and finish in any order, each seed another story: whatever happens, each operation ends
// once, those of one direction of a queue in order, no message is lost, doubled or overtaken, and in the end nothing is held.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "application.hpp"
#include "faulty_engine.hpp"
#include "seed.hpp"

namespace engine_set_simulation_test {

using namespace demi;
using demi::test::Application;
using demi::test::Completion;
using demi::test::FaultyEngine;
using demi::test::Random;

namespace {

// Time passes by looking at it, so that a seed tells the same story on every machine.
std::int64_t simulated_us() {
  static std::int64_t now = 0;
  return now += 3;
}

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    app_.runtime().engines().use_clock(simulated_us);
    const auto faults = [&] {
      return FaultyEngine::Faults{2 + random_.below(20), 2 + random_.below(6), random_.below(4) != 0,
                                  random_.one_in(2)};
    };
    add(kStreams | kDatagrams, faults());
    if (!random_.one_in(8)) add(kFiles, faults());
  }

  // What happened, for comparison with another run of the same seed.
  std::uint64_t story() const { return story_; }

  void run() {
    for (std::uint32_t steps = 50 + random_.below(200); steps != 0; --steps) {
      act();
      if (random_.one_in(3)) turn();
      if (random_.one_in(10)) sleep();
    }
    if (random_.one_in(4)) return;  // ended in the middle of everything: the sanitizers look for what is left
    settle();
  }

 private:
  struct Model {
    std::deque<Qt> pushes;
    std::deque<Qt> pops;
    std::deque<std::string> sent;  // accepted by the queue, oldest first
    bool open = true;
  };
  struct Operation {
    Qd qd;
    bool push;
    std::string text;
    bool cancelled = false;
  };

  void add(std::uint8_t provides, FaultyEngine::Faults faults) {
    auto engine = std::make_unique<FaultyEngine>(app_.runtime(), random_, provides, faults);
    engines_.push_back(engine.get());
    REQUIRE(app_.add(std::move(engine)));
  }

  void act() {
    switch (random_.below(8)) {
      case 0:
        return open();
      case 1:
      case 2:
      case 3:
        return push();
      case 4:
      case 5:
        return pop();
      case 6:
        return random_.one_in(6) ? close() : cancel();
      case 7:
        return release();
    }
  }

  void open() {
    if (queues_.size() >= 6) return;
    int error = 0;
    auto made = random_.one_in(2)
                    ? app_.runtime().engines().socket({SocketKind::kStream, 4, Framing::kStream, 0}, error)
                    : app_.runtime().engines().open({"log", 0, 0644, false}, error);
    if (!made) {
      CHECK((error == -EIO || error == -EOPNOTSUPP));
      return;
    }
    const Qd qd = app_.runtime().adopt(std::move(made));
    REQUIRE(qd > 0);
    queues_[qd];
  }

  std::pair<const Qd, Model>* any_queue() {
    if (queues_.empty()) return nullptr;
    return &*std::next(queues_.begin(), random_.below(static_cast<std::uint32_t>(queues_.size())));
  }

  void push() {
    auto* queue = any_queue();
    if (queue == nullptr || app_.tokens_left() == 0) return;
    const std::string text = "message " + std::to_string(++messages_);
    const Sga sga = app_.from(text);
    if (sga == 0) return;
    const bool given = random_.one_in(2);
    const Qt qt = app_.push(queue->first, sga, given ? layout::kFlagFree : 0);
    if (!given) held_.push_back(sga);
    operations_[qt] = {queue->first, true, text};
    queue->second.pushes.push_back(qt);
  }

  void pop() {
    auto* queue = any_queue();
    if (queue == nullptr || app_.tokens_left() == 0) return;
    const Qt qt = app_.pop(queue->first);
    operations_[qt] = {queue->first, false, {}};
    queue->second.pops.push_back(qt);
  }

  void cancel() {
    if (operations_.empty()) return;
    auto& [qt, operation] =
        *std::next(operations_.begin(), random_.below(static_cast<std::uint32_t>(operations_.size())));
    app_.runtime().submit();
    // What is done already waits in the ring; 0: too late. Both end as if nothing had been said.
    if (app_.runtime().cancel(qt) == 1) operation.cancelled = true;
  }

  void close() {
    auto* queue = any_queue();
    if (queue == nullptr) return;
    end(queue->first);
  }

  void end(Qd qd) {
    app_.runtime().submit();
    Model& model = queues_.at(qd);
    model.open = false;
    CHECK(app_.runtime().close(qd) == 0);
    // Everything of it is over; the ring of 16 may take more than one turn to tell.
    for (int i = 0; i < 8 && !(model.pushes.empty() && model.pops.empty()); ++i) turn();
    CHECK(model.pushes.empty());
    CHECK(model.pops.empty());
    queues_.erase(qd);
  }

  void release() {
    if (held_.empty()) return;
    app_.free(held_.front());
    held_.pop_front();
  }

  void turn() {
    for (const Completion& c : app_.turn(random_.one_in(2) ? 0 : random_.below(30))) finish(c);
    CHECK(app_.returned().empty());
  }

  // As Node's loop: armed, and awake again for whatever reason.
  void sleep() {
    EngineSet& set = app_.runtime().engines();
    if (set.prepare_sleep() != 0) set.end_sleep();
    for (const FaultyEngine* engine : engines_) {
      CHECK(engine->asleep == 0);
      CHECK(engine->unpaired == 0);
    }
  }

  void finish(const Completion& c) {
    const auto found = operations_.find(c.qt);
    REQUIRE(found != operations_.end());
    const Operation operation = found->second;
    for (const std::int32_t part : {c.qt, c.result, c.value}) {
      story_ = (story_ ^ static_cast<std::uint32_t>(part)) * 1099511628211ull;
    }
    operations_.erase(found);
    CHECK(c.qd == operation.qd);
    Model& model = queues_.at(operation.qd);
    std::deque<Qt>& pending = operation.push ? model.pushes : model.pops;
    if (operation.cancelled || !model.open) {
      std::erase(pending, c.qt);
    } else {
      REQUIRE(!pending.empty());
      CHECK(pending.front() == c.qt);
      pending.pop_front();
    }
    if (operation.cancelled) CHECK(c.result == -ECANCELED);
    if (c.result < 0) {
      CHECK((c.result == -EIO || c.result == -ECANCELED));
      CHECK(c.value == 0);
      return;
    }
    if (operation.push) {
      CHECK(c.result == static_cast<std::int32_t>(operation.text.size()));
      model.sent.push_back(operation.text);
      return;
    }
    REQUIRE(!model.sent.empty());
    CHECK(app_.text(c.value) == model.sent.front());
    model.sent.pop_front();
    app_.free(c.value);
  }

  void settle() {
    while (!queues_.empty()) end(queues_.begin()->first);
    CHECK(operations_.empty());
    while (!held_.empty()) release();
    for (int i = 0; i < 200 && !app_.at_rest(); ++i) turn();
    CHECK(app_.at_rest());
  }

  Random random_;
  Application app_;
  std::vector<FaultyEngine*> engines_;
  std::map<Qd, Model> queues_;
  std::map<Qt, Operation> operations_;
  std::deque<Sga> held_;
  int messages_ = 0;
  std::uint64_t story_ = 14695981039346656037ull;
};

}  // namespace

TEST_CASE("engine set: two devices that are late, fail and finish in any order, seed by seed") {
  const std::uint64_t first = test::seed("engine set");
  // DEMI_FUZZ_SECONDS runs more of them.
  for (test::Budget budget(2, 2000); budget.left();) {
    const std::uint64_t seed = first + budget.rounds();
    INFO("DEMI_SEED=" << seed);
    Simulation(seed).run();
  }
}

TEST_CASE("engine set: a seed tells the same story again") {
  const std::uint64_t first = test::seed("engine set, again");
  for (std::uint64_t seed = first; seed < first + 50; ++seed) {
    INFO("DEMI_SEED=" << seed);
    Simulation once(seed);
    once.run();
    Simulation again(seed);
    again.run();
    CHECK(once.story() == again.story());
  }
}

}  // namespace engine_set_simulation_test
