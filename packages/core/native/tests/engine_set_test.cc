#include "demi/engine_set.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "application.hpp"

namespace engine_set_test {

using namespace demi;
using demi::test::Application;
using Clock = std::chrono::steady_clock;

namespace {

// What the engines of a test were asked, in order.
using Calls = std::vector<std::string>;

class Told final : public Engine {
 public:
  Told(Calls& calls, std::string name, std::uint8_t provides, bool has_descriptor = true)
      : calls_(calls), name_(std::move(name)), provides_(provides) {
    if (has_descriptor) fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  ~Told() override {
    say("ends");
    if (fd >= 0) ::close(fd);
  }
  const char* name() const override { return name_.c_str(); }
  std::uint8_t provides() const override { return provides_; }
  std::unique_ptr<Queue> socket(const SocketRequest&, int& error) override {
    say("socket");
    error = -EPROTONOSUPPORT;
    return nullptr;
  }
  std::unique_ptr<Queue> open(const FileRequest&, int& error) override {
    say("open");
    error = -ENOENT;
    return nullptr;
  }
  int unlink(const std::string& path) override {
    say("unlink " + path);
    return -EBUSY;
  }
  void poll() override {
    say("poll");
    if (on_poll) on_poll();
  }
  bool wait(std::uint32_t us) override {
    if (!waits) return false;
    say("wait " + std::to_string(us));
    return true;
  }
  void transmit() override { say("transmit"); }
  bool polls_memory() const override { return memory; }
  int sleep_fd() override { return fd; }
  int prepare_sleep() override {
    say("prepare");
    if (on_prepare) on_prepare();
    return sleep_ms;
  }
  void end_sleep() override { say("awake"); }
  std::uint32_t tend_every_ms() const override { return tend; }
  void stats(const StatSink& sink) const override { sink("told", 1); }

  std::function<void()> on_poll;
  std::function<void()> on_prepare;
  bool waits = false;
  bool memory = false;
  int sleep_ms = -1;
  std::uint32_t tend = 0;
  int fd = -1;

 private:
  void say(const std::string& what) { calls_.push_back(name_ + " " + what); }
  Calls& calls_;
  std::string name_;
  std::uint8_t provides_;
};

struct Fixture {
  Calls calls;
  Application app;
  EngineSet& set = app.runtime().engines();

  Told& add(const char* name, std::uint8_t provides, bool has_descriptor = true, bool memory = false) {
    auto engine = std::make_unique<Told>(calls, name, provides, has_descriptor);
    Told& told = *engine;
    told.memory = memory;
    REQUIRE(set.add(name, std::move(engine)) == 0);
    return told;
  }
  Calls take() { return std::exchange(calls, {}); }
  // A completion waits to be read.
  void complete_something() {
    if (qd == 0) qd = app.queue();
    app.push(qd, app.from("x"), layout::kFlagFree);
    app.runtime().submit();
  }
  Qd qd = 0;
};

std::ptrdiff_t times(const Calls& calls, const char* call) { return std::count(calls.begin(), calls.end(), call); }

// What takes a share of a few milliseconds happens in one of these tries, however busy the machine is.
template <typename Try>
bool in_one_of_many(Try once) {
  for (int i = 0; i < 200; ++i) {
    if (once()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "engine set: sockets come from the first engine that has such, files from the last") {
  int error = 0;
  set.socket({}, error);
  CHECK(error == -EAFNOSUPPORT);
  set.open({}, error);
  CHECK(error == -EOPNOTSUPP);
  CHECK(set.unlink("x") == -EOPNOTSUPP);
  add("net", kStreams | kFiles);
  add("store", kFiles | kStreams);
  take();
  set.socket({SocketKind::kStream, 4, Framing::kStream, 0}, error);
  CHECK(error == -EPROTONOSUPPORT);
  set.open({}, error);
  CHECK(error == -ENOENT);
  CHECK(set.unlink("x") == -EBUSY);
  // Nobody has any: the network's engine says why.
  set.socket({SocketKind::kDatagram, 4, Framing::kStream, 0}, error);
  CHECK(take() == Calls{"net socket", "store open", "store unlink x", "net socket"});
}

TEST_CASE_FIXTURE(Fixture, "engine set: a turn moves every device; one that is alone waits its own way") {
  Told& net = add("net", kStreams);
  net.waits = true;
  set.turn(0);
  CHECK(take() == Calls{"net poll"});
  set.turn(500);
  CHECK(take() == Calls{"net wait 500"});
  add("store", kFiles).on_poll = [&] { complete_something(); };
  set.turn(0);
  CHECK(take() == Calls{"net poll", "store poll"});
}

TEST_CASE_FIXTURE(Fixture, "engine set: what completed at once is handed out first, but not for ever") {
  add("net", kStreams);
  add("ring", kFiles, true, true);  // polls memory: it is looked at all the same
  complete_something();
  for (int turn = 0; turn < 2; ++turn) {
    set.turn(100);
    CHECK(take() == Calls{"net transmit", "ring poll"});
  }
  set.turn(100);
  CHECK(take() == Calls{"net poll", "ring poll"});
}

TEST_CASE_FIXTURE(Fixture, "engine set: several with descriptors sleep in one, and either wakes") {
  Told* const both[] = {&add("net", kStreams), &add("store", kFiles)};
  CHECK(set.sleep_fd() >= 0);
  CHECK(set.sleep_fd() != both[0]->fd);
  for (Told* const one : both) {
    one->on_poll = [&, one] {
      eventfd_t value;
      if (::eventfd_read(one->fd, &value) == 0) complete_something();
    };
    // After the last look before the sleep: nothing but the descriptor can tell.
    one->on_prepare = [one] { ::eventfd_write(one->fd, 1); };
    const auto start = Clock::now();
    set.turn(20'000'000);
    CHECK(app.turn().size() == 1);
    CHECK(Clock::now() - start < std::chrono::seconds(10));
    one->on_poll = nullptr;
    one->on_prepare = nullptr;
  }
}

TEST_CASE_FIXTURE(Fixture, "engine set: a wait ends when its time is over, asleep or not") {
  const auto took = [&](std::uint32_t us) {
    const auto start = Clock::now();
    set.turn(us);
    return Clock::now() - start;
  };
  add("net", kStreams);
  Told& store = add("store", kFiles);
  // A processor that is taken away for all that time leaves none to sleep in.
  CHECK(in_one_of_many([&] {
    CHECK(took(3000) >= std::chrono::milliseconds(3));
    const Calls calls = take();
    CHECK(times(calls, "net prepare") == times(calls, "net awake"));
    return times(calls, "net prepare") >= 1;
  }));
  store.sleep_ms = 0;  // there is work, it says
  CHECK(took(3000) >= std::chrono::milliseconds(3));
}

TEST_CASE_FIXTURE(Fixture, "engine set: who has nothing to be woken by is looked at again and again") {
  add("net", kStreams);
  Told& blind = add("blind", kFiles, false);
  CHECK(in_one_of_many([&] {
    blind.sleep_ms = 1;
    set.turn(2000);
    const Calls calls = take();
    CHECK(times(calls, "blind prepare") <= 1);
    // One that has nothing to do either way holds nobody back.
    blind.sleep_ms = -1;
    set.turn(2000);
    const Calls again = take();
    return times(calls, "blind prepare") == 1 && times(calls, "blind poll") > 5 && times(again, "blind prepare") >= 1 &&
           times(again, "blind poll") < times(calls, "blind poll");
  }));
}

TEST_CASE_FIXTURE(Fixture, "engine set: the shortest sleep counts, and none is left half asleep") {
  Told& net = add("net", kStreams);
  Told& store = add("store", kFiles);
  CHECK(set.prepare_sleep() == -1);
  set.end_sleep();
  net.sleep_ms = 30;
  store.sleep_ms = 7;
  CHECK(set.prepare_sleep() == 7);
  set.end_sleep();
  take();
  store.sleep_ms = 0;
  CHECK(set.prepare_sleep() == 0);
  CHECK(take() == Calls{"net prepare", "store prepare", "net awake", "store awake"});
  net.tend = 0;
  store.tend = 5;
  CHECK(set.tend_every_ms() == 5);
  net.tend = 3;
  CHECK(set.tend_every_ms() == 3);
}

TEST_CASE_FIXTURE(Fixture, "engine set: what a last look before the sleep completes is not slept over") {
  Told& net = add("net", kStreams);
  add("store", kFiles);
  net.on_prepare = [&] { complete_something(); };
  CHECK(set.prepare_sleep() == 0);
  CHECK(take() == Calls{"net prepare", "store prepare", "net awake", "store awake"});
}

TEST_CASE_FIXTURE(Fixture, "engine set: four engines and no more, ended last first") {
  for (const char* name : {"a", "b", "c", "d"}) add(name, kFiles, false);
  CHECK(set.add("e", std::make_unique<Told>(calls, "e", kFiles, false)) == -ENFILE);
  CHECK(take() == Calls{"e ends"});
  set.end();
  CHECK(take() == Calls{"d ends", "c ends", "b ends", "a ends"});
  CHECK(app.turn(1000).empty());
}

}  // namespace engine_set_test
